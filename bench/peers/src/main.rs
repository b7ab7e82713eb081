// SPDX-License-Identifier: MIT
// What a Rust user would take instead of weir's stream room, in the rows of
// bench/stream.c by the same names: crossbeam-channel for queues, rayon for
// drains. Prints lines "name value unit": wall time, and as "name.cpu" the
// processor time of all threads together, each the best of --rounds runs.
//
//   peers [--rounds N] [--only PREFIX]

use crossbeam_channel::{bounded, Receiver, Sender};
use rayon::prelude::*;
use std::sync::{mpsc, Mutex};
use std::thread;
use std::time::Instant;

struct Settings {
    rounds: u32,
    only: String,
}

// utime and stime of this process, in clock ticks (100 a second), are too
// coarse for a round; the scheduler's own count is in nanoseconds.
fn cpu_ns() -> u64 {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let path = task.path().join("schedstat");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        sum += first.parse::<u64>().unwrap_or(0);
    }
    sum
}

// One round gives its wall time in seconds.
fn measure(s: &Settings, name: &str, items: u64, once: &dyn Fn() -> f64) {
    if !name.starts_with(&s.only) {
        return;
    }
    let mut lowest = f64::MAX;
    for _ in 0..s.rounds {
        lowest = lowest.min(once());
    }
    println!("{} {:.2} ns/item", name, lowest * 1e9 / items as f64);
}
