# SPDX-License-Identifier: MIT
# Shortcuts. The build itself is CMakeLists.txt with CMakePresets.json.
.DEFAULT_GOAL := release
.PHONY: release demo test check asan tsan fuzz model mutants bench \
	bench-deps format clean replay

build_tools := build-essential cmake ninja-build
# What `weir serve` and `weir run` are made of.
serve_tools := pkg-config libdnnl-dev libprotobuf-c-dev protobuf-c-compiler \
	libmicrohttpd-dev libjansson-dev libinih-dev libpng-dev
# What `weir deps` is made of, and the registry that it is tested with.
deps_tools := pkg-config libcurl4-openssl-dev libdeflate-dev libjansson-dev \
	libinih-dev zlib1g-dev
# What the tiles of `weir tiles` are worked on with.
tiles_tools := libopenblas-pthread-dev
# Each once, whoever asks for it.
test_tools := $(sort $(build_tools) clang clang-format rdiff scdoc mandoc \
	libuv1-dev libevent-dev libglib2.0-dev libhttp-parser-dev libssl-dev \
	$(serve_tools) $(deps_tools) $(tiles_tools) libonnx-testdata)
demo_tools := $(sort $(build_tools) rdiff $(serve_tools) $(deps_tools) \
	$(tiles_tools))
# What the task graph is measured beside.
graph_peers := clang libomp-dev libopenblas-pthread-dev libstarpu-dev \
	libtbb-dev pkg-config
# What the pool is.
pool_peers := cargo clang libglib2.0-dev libomp-dev \
	librust-crossbeam-channel-dev librust-rayon-dev libtbb-dev \
	libuv1-dev pkg-config
# What fork and join are.
forkjoin_peers := cargo clang libomp-dev librust-rayon-dev libtbb-dev
bench_tools := $(sort $(build_tools) rdiff libuv1-dev libhttp-parser-dev \
	libglib2.0-dev wrk $(serve_tools) $(deps_tools) $(tiles_tools) \
	$(graph_peers) $(pool_peers) $(forkjoin_peers))

# The library and the program weir, in build/release.
release:
	@tools/need.sh $(build_tools)
	@mkdir -p build
	@cmake --preset release >build/release.log || \
		{ cat build/release.log; exit 1; }
	@cmake --build --preset release

# Real jobs on real input, with checks of the results.
demo:
	@tools/need.sh $(demo_tools)
	@$(MAKE) --no-print-directory release
	@tools/demo.sh

# Everything: plain, both sanitizers, and that clang compiles it.
test:
	@tools/need.sh $(test_tools)
	@tools/test.sh release asan tsan clang

# The quick one, while working.
check:
	@tools/need.sh $(test_tools)
	@tools/test.sh release

asan tsan:
	@tools/need.sh $(test_tools)
	@tools/test.sh $@

# One seed of a room again, told step by step: make replay CASE=pool SEED=17
replay:
	@tools/need.sh $(build_tools)
	@tools/replay.sh '$(CASE)' '$(SEED)'

# Every fuzzer with a fresh seed.
fuzz:
	@tools/need.sh $(test_tools)
	@tools/fuzz.sh

# A program of yours under the model checker: make model FILE=my_model.c
# [SOURCES="my_queue.c ..."] [OPTIONS=--list]
model:
	@tools/model.sh $(FILE) $(SOURCES) -- $(OPTIONS)

# Every law and every memory order broken on purpose: do the tests notice?
mutants:
	@tools/need.sh $(test_tools)
	@tools/mutants.sh $(MUTANTS)

bench:
	@tools/need.sh $(bench_tools)
	@$(MAKE) --no-print-directory release
	@bench/run.sh

# `weir deps fetch` beside bun, utoo and pnpm.
bench-deps:
	@tools/need.sh $(bench_tools)
	@$(MAKE) --no-print-directory release
	@bench/run.sh deps

# Rewrites every C file as .clang-format has it.
format:
	@tools/need.sh clang-format
	@find . \( -path ./build -o -path ./.git \) -prune -o -name '*.[ch]' \
		-print0 | xargs -0 -r clang-format -i

clean:
	rm -rf build
