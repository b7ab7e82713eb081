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

fn cpu_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut now) }, 0);
    now.tv_sec as i64 * 1_000_000_000 + now.tv_nsec as i64
}

// A round does its work and gives the wall time that counts, in seconds.
fn measure(
    s: &Settings,
    name: &str,
    items: u64,
    round: impl Fn() -> f64,
) {
    if !name.starts_with(&s.only) {
        return;
    }
    let (mut lowest, mut lowest_cpu) = (f64::MAX, i64::MAX);
    for _ in 0..s.rounds {
        let start = cpu_ns();
        lowest = lowest.min(round());
        lowest_cpu = lowest_cpu.min(cpu_ns() - start);
    }
    let items = items as f64;
    println!("{} {:.2} ns/item", name, lowest * 1e9 / items);
    println!("{}.cpu {:.2} ns/item", name, lowest_cpu as f64 / items);
}

// ---- queue: crossbeam's bounded channel, one consumer thread ---------------

const CAPACITY: usize = 4096;

fn flow(items: u64, producers: u64) -> f64 {
    let (sender, receiver) = bounded::<u64>(CAPACITY);
    let start = Instant::now();
    let threads: Vec<_> = (0..producers)
        .map(|_| {
            let sender = sender.clone();
            thread::spawn(move || {
                for _ in 0..items / producers {
                    sender.send(1).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let sum: u64 = receiver.iter().sum();
    let took = start.elapsed().as_secs_f64();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(sum, items / producers * producers);
    took
}

// There is no call for a batch: a vector is the item, which is what one does.
fn flow_batched(items: u64, producers: u64, batch: usize) -> f64 {
    let (sender, receiver) = bounded::<Vec<u64>>(CAPACITY / batch);
    let start = Instant::now();
    let threads: Vec<_> = (0..producers)
        .map(|_| {
            let sender = sender.clone();
            thread::spawn(move || {
                for _ in 0..items / producers / batch as u64 {
                    sender.send(vec![1; batch]).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let sum: u64 = receiver.iter().map(|v| v.iter().sum::<u64>()).sum();
    let took = start.elapsed().as_secs_f64();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let share = items / producers / batch as u64 * batch as u64;
    assert_eq!(sum, share * producers);
    took
}

fn alone(items: u64) -> f64 {
    let (sender, receiver) = bounded::<u64>(CAPACITY);
    let mut sum = 0;
    let start = Instant::now();
    for _ in 0..items / CAPACITY as u64 {
        for _ in 0..CAPACITY {
            sender.try_send(1).unwrap();
        }
        for _ in 0..CAPACITY {
            sum += receiver.try_recv().unwrap();
        }
    }
    let took = start.elapsed().as_secs_f64();
    assert_eq!(sum, items);
    took
}

fn queues(s: &Settings) {
    let million = 1_000_000;
    // A channel has one kind of sender; with one of it, it is our "sp" and
    // our "mp" with one producer.
    for kind in ["sp", "mp"] {
        let name = format!("queue.{}.1p.one_by_one", kind);
        measure(s, &name, million, || flow(million, 1));
        let name = format!("queue.{}.1p.batch64", kind);
        measure(s, &name, 4 * million, || flow_batched(4 * million, 1, 64));
    }
    measure(s, "queue.sp.1p.batch256", 4 * million, || {
        flow_batched(4 * million, 1, 256)
    });
    for producers in 2..=4 {
        let name = format!("queue.mp.{}p.one_by_one", producers);
        measure(s, &name, million, || flow(million, producers));
    }
    measure(s, "queue.mp.4p.batch64", 4 * million, || {
        flow_batched(4 * million, 4, 64)
    });
    measure(s, "e5.sp.1p.100k", 100_000, || flow(100_000, 1));
    measure(s, "e5.mp.4p.100k", 100_000, || flow(100_000, 4));
    let items = 1 << 20;
    measure(s, "queue.alone.send_and_receive", items, || alone(items));
}

// ---- drain: rayon, about 10 ns of work per item ----------------------------

// Twenty dependent multiplications. The compiler must not see the factor, or
// it makes one of them.
fn ten_ns(mut x: u64) -> u64 {
    let factor = std::hint::black_box(6364136223846793005);
    for _ in 0..20 {
        x = x.wrapping_mul(factor).wrapping_add(1442695040888963407);
    }
    x
}

fn work(x: u64) -> u64 {
    ten_ns(x) | 1
}

// The items are in a channel before the clock starts, as in ours.
fn filled(input: &[u64]) -> Receiver<u64> {
    let (sender, receiver) = bounded(input.len());
    for item in input {
        sender.send(*item).unwrap();
    }
    receiver
}

fn timed(items: usize, drain: impl FnOnce() -> Vec<u64> + Send) -> f64 {
    let start = Instant::now();
    let results = drain();
    let took = start.elapsed().as_secs_f64();
    assert_eq!(results.len(), items);
    took
}

// One task per item, results under a lock per thread.
fn shards(pool: &rayon::ThreadPool, input: &[u64]) -> f64 {
    let receiver = filled(input);
    let shards: Vec<Mutex<Vec<u64>>> = (0..pool.current_num_threads())
        .map(|_| Mutex::new(Vec::new()))
        .collect();
    timed(input.len(), || {
        pool.scope(|scope| {
            for item in receiver.try_iter() {
                let shards = &shards;
                scope.spawn(move |_| {
                    let result = work(item);
                    let i = rayon::current_thread_index().unwrap();
                    shards[i].lock().unwrap().push(result);
                });
            }
        });
        shards
            .into_iter()
            .flat_map(|shard| shard.into_inner().unwrap())
            .collect()
    })
}

// One task per item, every result through a channel to one thread.
fn channel(pool: &rayon::ThreadPool, input: &[u64]) -> f64 {
    let receiver = filled(input);
    timed(input.len(), || {
        let (results, collected): (Sender<u64>, _) = bounded(CAPACITY);
        let collecting =
            thread::spawn(move || collected.iter().collect::<Vec<u64>>());
        pool.scope(|scope| {
            for item in receiver.try_iter() {
                let results = results.clone();
                scope.spawn(move |_| results.send(work(item)).unwrap());
            }
        });
        drop(results);
        collecting.join().unwrap()
    })
}

// Everything is taken out first, then chunks with a vector each.
fn per_thread(pool: &rayon::ThreadPool, input: &[u64]) -> f64 {
    let receiver = filled(input);
    timed(input.len(), || {
        let all: Vec<u64> = receiver.try_iter().collect();
        let parts: Vec<Vec<u64>> = pool.install(|| {
            all.par_chunks(256)
                .map(|chunk| chunk.iter().map(|x| work(*x)).collect())
                .collect()
        });
        parts.concat()
    })
}

// The same, each result straight to its place.
fn ordered(pool: &rayon::ThreadPool, input: &[u64]) -> f64 {
    let receiver = filled(input);
    timed(input.len(), || {
        let all: Vec<u64> = receiver.try_iter().collect();
        pool.install(|| all.par_iter().map(|x| work(*x)).collect())
    })
}

// No queue at all: an array that is there already.
fn array(pool: &rayon::ThreadPool, input: &[u64]) -> f64 {
    timed(input.len(), || {
        pool.install(|| input.par_iter().map(|x| work(*x)).collect())
    })
}

type Drain = fn(&rayon::ThreadPool, &[u64]) -> f64;

fn pool_of(threads: usize) -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().unwrap()
}

fn drains(s: &Settings) {
    let kinds: [(&str, Drain); 5] = [
        ("per_thread", per_thread),
        ("shards", shards),
        ("channel", channel),
        ("ordered", ordered),
        ("array", array),
    ];
    for thousands in [10, 100] {
        let items = thousands * 1000;
        let input: Vec<u64> = (0..items).collect();
        for threads in [2, 4, 8, 16] {
            let pool = pool_of(threads);
            for (kind, drain) in kinds {
                let name = format!("drain.{}.{}k.t{}", kind, thousands, threads);
                measure(s, &name, items, || drain(&pool, &input));
            }
        }
    }
    let input: Vec<u64> = (0..100_000).collect();
    measure(s, "drain.plain_loop", 100_000, || {
        let start = Instant::now();
        let results: Vec<u64> = input.iter().map(|x| work(*x)).collect();
        let took = start.elapsed().as_secs_f64();
        assert!(results.iter().all(|x| x & 1 == 1));
        took
    });
}

// ---- dispatch: against a plain synchronous channel -------------------------

fn hand_over(items: u64) -> f64 {
    let (sender, receiver) = mpsc::sync_channel::<u64>(1);
    let start = Instant::now();
    let sending = thread::spawn(move || {
        (0..items).for_each(|i| sender.send(i).unwrap())
    });
    let got = receiver.iter().count() as u64;
    sending.join().unwrap();
    let took = start.elapsed().as_secs_f64();
    assert_eq!(got, items);
    took
}

// From a thread through a channel to tasks that do nothing.
fn dispatch(pool: &rayon::ThreadPool, items: u64) -> f64 {
    let (sender, receiver) = bounded::<u64>(1024);
    let start = Instant::now();
    let sending = thread::spawn(move || {
        (0..items).for_each(|i| sender.send(i).unwrap())
    });
    pool.scope(|scope| {
        for item in receiver.iter() {
            scope.spawn(move |_| {
                std::hint::black_box(item);
            });
        }
    });
    let took = start.elapsed().as_secs_f64();
    sending.join().unwrap();
    took
}

fn dispatches(s: &Settings) {
    let items = 100_000;
    let pool = pool_of(2);
    measure(s, "dispatch.plain_channel", items, || hand_over(items));
    measure(s, "dispatch.drain.one_by_one", items, || {
        dispatch(&pool, items)
    });
}

fn main() {
    let mut s = Settings { rounds: 9, only: String::new() };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks_exact(2) {
        match pair[0].as_str() {
            "--rounds" => s.rounds = pair[1].parse().unwrap(),
            "--only" => s.only = pair[1].clone(),
            other => panic!("unknown option: {}", other),
        }
    }
    queues(&s);
    drains(&s);
    dispatches(&s);
}
