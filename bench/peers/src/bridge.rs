// SPDX-License-Identifier: MIT
// What a Rust user would take instead of weir's loop room: tokio for the event
// loop, rayon for the pool, in the cases of bench/loop.c by the same names and
// with the same output.
//
//   bridge FORM CASE [--threads N] [--quick]
//
// one_hop   pool.spawn, and a oneshot back
// two_hops  rayon's global pool relays to a pool of its own: what tokio-rayon's
//           spawn(|| pool.install(f)) does, and with it many a program
//
// The runtime is tokio's of the current thread: an event loop, like the others.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

const MS: i64 = 1_000_000;

// ---- allocations -----------------------------------------------------------

struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        System.dealloc(memory, layout)
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

// ---- clocks and figures ----------------------------------------------------

fn now_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

fn cpu_ns() -> i64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    let of = |t: libc::timeval| t.tv_sec * 1_000_000_000 + t.tv_usec * 1000;
    of(usage.ru_utime) + of(usage.ru_stime)
}

fn print(name: &str, what: &str, value: f64, unit: &str) {
    println!("{name}.{what} {value:.3} {unit}");
}

fn print_samples(name: &str, mut s: Vec<i64>, per: f64, unit: &str) {
    s.sort();
    let last = s.len() - 1;
    for (what, percent) in [("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)]
    {
        print(name, what, s[last * percent / 100] as f64 / per, unit);
    }
}

// ---- work ------------------------------------------------------------------

fn busy(ns: i64) -> i64 {
    let start = now_ns();
    loop {
        let took = now_ns() - start;
        if took >= ns {
            return took;
        }
    }
}

fn sleep(ns: i64) {
    std::thread::sleep(Duration::from_nanos(ns as u64));
}

// A timerfd, as in bench/loop.c: tokio's own timers round to milliseconds.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    fn new() -> Timer {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        assert!(fd >= 0);
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        Timer(AsyncFd::new(owned).unwrap())
    }

    fn set(&self, first: i64, every: i64) {
        let of = |ns: i64| libc::timespec {
            tv_sec: ns / 1_000_000_000,
            tv_nsec: ns % 1_000_000_000,
        };
        let when = libc::itimerspec {
            it_interval: of(every),
            it_value: of(first),
        };
        let fd = self.0.get_ref().as_raw_fd();
        let flag = libc::TFD_TIMER_ABSTIME;
        let none = std::ptr::null_mut();
        let error = unsafe { libc::timerfd_settime(fd, flag, &when, none) };
        assert_eq!(error, 0);
    }

    // Waits until it fires; how many times it has.
    async fn fired(&self) -> u64 {
        loop {
            let mut ready = self.0.readable().await.unwrap();
            let got = ready.try_io(|fd| {
                let mut times = 0u64;
                let to = &mut times as *mut u64 as *mut libc::c_void;
                match unsafe { libc::read(fd.as_raw_fd(), to, 8) } {
                    8 => Ok(times),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
            if let Ok(times) = got {
                return times.unwrap();
            }
        }
    }
}

// ---- the two bridges -------------------------------------------------------

#[derive(Clone)]
struct Bridge {
    pool: Arc<ThreadPool>,
    two_hops: bool,
}

type Result<T> = std::thread::Result<T>;

impl Bridge {
    fn offload<T, F>(&self, work: F) -> oneshot::Receiver<Result<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        if self.two_hops {
            let pool = self.pool.clone();
            rayon::spawn(move || {
                let work = AssertUnwindSafe(|| pool.install(work));
                let _ = sender.send(catch_unwind(work));
            });
        } else {
            self.pool.spawn(move || {
                let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
            });
        }
        receiver
    }

    async fn call<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.offload(work).await.unwrap().unwrap()
    }
}

// ---- cases -----------------------------------------------------------------

async fn hot(b: &Bridge, quick: bool) {
    let count = if quick { 5000 } else { 20000 };
    for _ in 0..1000 {
        b.call(|| ()).await;
    }
    let mut latency = Vec::with_capacity(count);
    let cpu = cpu_ns();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..count {
        let start = now_ns();
        b.call(|| ()).await;
        latency.push(now_ns() - start);
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - allocations;
    let cpu = cpu_ns() - cpu;
    print("hot", "cpu", cpu as f64 / 1e3 / count as f64, "us");
    print("hot", "allocations", allocations as f64 / count as f64, "each");
    print_samples("hot", latency, 1e3, "us");
}

async fn idle(b: &Bridge, quick: bool) {
    let timer = Timer::new();
    let mut latency = Vec::new();
    for _ in 0..if quick { 60 } else { 100 } {
        timer.set(now_ns() + 2 * MS, 0);
        timer.fired().await;
        let start = now_ns();
        b.call(|| ()).await;
        latency.push(now_ns() - start);
    }
    print_samples("idle", latency, 1e3, "us");
}

async fn burst(b: &Bridge) {
    const COUNT: usize = 100_000;
    let (mut lowest, mut lowest_cpu) = (i64::MAX, i64::MAX);
    for _ in 0..3 {
        let mut pending = Vec::with_capacity(COUNT);
        let (cpu, start) = (cpu_ns(), now_ns());
        for _ in 0..COUNT {
            pending.push(b.offload(|| ()));
        }
        for receiver in pending {
            receiver.await.unwrap().unwrap();
        }
        lowest = lowest.min(now_ns() - start);
        lowest_cpu = lowest_cpu.min(cpu_ns() - cpu);
    }
    print("burst", "wall", lowest as f64 / COUNT as f64, "ns/offload");
    print("burst", "cpu", lowest_cpu as f64 / COUNT as f64, "ns/offload");
}

async fn line(b: &Bridge) {
    let timer = Timer::new();
    let start = Instant::now();
    let bridge = b.clone();
    let short = tokio::spawn(async move {
        bridge.call(|| sleep(10 * MS)).await;
        start.elapsed()
    });
    timer.set(now_ns() + MS, 0);
    timer.fired().await;
    b.call(|| sleep(500 * MS)).await;
    let took = short.await.unwrap();
    print("line", "short", took.as_secs_f64() * 1e3, "ms");
}

async fn mixed(b: &Bridge, quick: bool) {
    let count = if quick { 1000 } else { 3000 };
    let timer = Timer::new();
    let latency = Arc::new(Mutex::new(Vec::with_capacity(count)));
    let mut tasks = Vec::with_capacity(count);
    let mut random = 1u64;
    timer.set(now_ns() + 2 * MS, 2 * MS);
    while tasks.len() < count {
        for _ in 0..timer.fired().await {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let long = (random >> 33) % 10 == 0;
            let (bridge, latency) = (b.clone(), latency.clone());
            tasks.push(tokio::spawn(async move {
                let start = now_ns();
                let ns = if long { 30 * MS } else { 2 * MS };
                bridge.call(move || sleep(ns)).await;
                if !long {
                    latency.lock().unwrap().push(now_ns() - start);
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let latency = std::mem::take(&mut *latency.lock().unwrap());
    print_samples("mixed", latency, 1e6, "ms");
}

async fn late(b: &Bridge, quick: bool) {
    let count = if quick { 250 } else { 400 };
    let timer = Timer::new();
    let over = Arc::new(AtomicBool::new(false));
    let ran = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (bridge, over, ran) = (b.clone(), over.clone(), ran.clone());
        tasks.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                bridge.call(|| busy(MS)).await;
                ran.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let mut lateness = Vec::with_capacity(count);
    let mut due = now_ns() + 5 * MS;
    timer.set(due, MS);
    while lateness.len() < count {
        let times = timer.fired().await;
        let now = now_ns();
        for _ in 0..times {
            lateness.push(now - due);
            due += MS;
        }
    }
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(ran.load(Ordering::Relaxed) > 64);
    print_samples("late", lateness, 1e3, "us");
}

async fn cost(b: &Bridge, quick: bool) {
    let sizes = [
        ("cost.10us", MS / 100, 1000),
        ("cost.100us", MS / 10, 300),
        ("cost.1ms", MS, 60),
        ("cost.2ms", 2 * MS, 40),
        ("cost.10ms", 10 * MS, 10),
    ];
    for (name, ns, count) in sizes {
        let count = if quick { (count + 1) / 2 } else { count };
        let mut added = Vec::with_capacity(count);
        let mut sum = 0;
        let cpu = cpu_ns();
        for _ in 0..count {
            let start = now_ns();
            let took = b.call(move || busy(ns)).await;
            added.push(now_ns() - start - took);
            sum += took;
        }
        let cpu = cpu_ns() - cpu - sum;
        print(name, "cpu", cpu as f64 / 1e3 / count as f64, "us");
        print_samples(name, added, 1e3, "us");
    }
}

// ---- main ------------------------------------------------------------------

// One hop: as many threads as rayon takes. Two hops: those in the relay, and
// half the processors, 2 to 16, behind it, which is what dynamo starts.
fn bridge_of(two_hops: bool, threads: usize) -> Bridge {
    let cpus = std::thread::available_parallelism().map_or(2, |n| n.get());
    let width = match threads {
        0 if two_hops => (cpus / 2).clamp(2, 16),
        n => n, // 0 is rayon's default
    };
    if two_hops {
        // As many as there are processors, by default. Address space for 10^5
        // relays on top of each other: with 2 MiB, "burst" overflows them.
        let global = ThreadPoolBuilder::new().stack_size(1 << 30);
        global.build_global().unwrap();
    }
    let builder = ThreadPoolBuilder::new().num_threads(width);
    let pool = Arc::new(builder.build().unwrap());
    Bridge { pool, two_hops }
}

fn usage() -> ! {
    eprintln!(
        "usage: bridge one_hop|two_hops \
         hot|idle|burst|line|late|cost|mixed [--threads N] [--quick]"
    );
    std::process::exit(2);
}

fn main() {
    let mut rest = std::env::args().skip(1);
    let (form, case) = match (rest.next(), rest.next()) {
        (Some(form), Some(case)) => (form, case),
        _ => usage(),
    };
    let (mut threads, mut quick) = (0, false);
    while let Some(option) = rest.next() {
        match option.as_str() {
            "--quick" => quick = true,
            "--threads" => {
                let number = rest.next().and_then(|n| n.parse().ok());
                threads = number.unwrap_or_else(|| usage());
            }
            _ => usage(),
        }
    }
    if case == "line" || case == "mixed" {
        threads = 4;
    }
    let two_hops = match form.as_str() {
        "one_hop" => false,
        "two_hops" => true,
        _ => usage(),
    };
    let b = bridge_of(two_hops, threads);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    runtime.block_on(async {
        match case.as_str() {
            "hot" => hot(&b, quick).await,
            "idle" => idle(&b, quick).await,
            "burst" => burst(&b).await,
            "line" => line(&b).await,
            "late" => late(&b, quick).await,
            "cost" => cost(&b, quick).await,
            "mixed" => mixed(&b, quick).await,
            _ => usage(),
        }
    });
}
