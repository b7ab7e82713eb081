// SPDX-License-Identifier: MIT
// What a Rust user would take instead of weir's frontier: rayon and dashmap,
// on the graph of bench/frontier.h. Prints lines "name value unit".
//
//   frontier spawn|levels [--nodes N] [--threads N] [--text] [--edges]
//       [--shards N]
//
//   spawn    each new node is a task of a rayon scope
//   levels   the nodes of one distance are a parallel iterator
//
// The table hashes with ahash, which is keyed, and faster than the standard
// one; it has 256 shards: with the usual four for each processor it is slower
// by half. With --edges each edge is appended to a vector of its thread, as
// two numbers: nobody could look one up there without sorting them first.

use ahash::RandomState;
use dashmap::DashMap;
use rayon::prelude::*;
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Instant;

const DEGREE: u32 = 5;

#[derive(Clone, Copy)]
struct Graph {
    nodes: u32,
    mask: u32,
    half: u32,
}

impl Graph {
    fn next(self, node: u32, edge: u32) -> u32 {
        let mut x = node;
        loop {
            x = x.wrapping_add((edge + 1).wrapping_mul(0x9e3779b9)) & self.mask;
            x = x.wrapping_mul(0x85ebca6b) & self.mask;
            x ^= x >> self.half;
            x = x.wrapping_mul(0xc2b2ae35) & self.mask;
            x ^= x >> self.half;
            if x < self.nodes {
                return x;
            }
        }
    }
}

// ---- what is known ---------------------------------------------------------

// A key as the walk meets it, and as the table keeps it.
trait Key {
    type Kept: Hash + Eq + Send + Sync + Borrow<Self::Met>;
    type Met: Hash + Eq + ?Sized;
    const LOOK_FIRST: bool; // keeping means allocating, and most are known
    fn new(node: u32) -> Self;
    fn met(&self) -> &Self::Met;
    fn keep(self) -> Self::Kept;
}

impl Key for u64 {
    type Kept = u64;
    type Met = u64;
    const LOOK_FIRST: bool = false;
    fn new(node: u32) -> Self {
        node as u64
    }
    fn met(&self) -> &u64 {
        self
    }
    fn keep(self) -> u64 {
        self
    }
}

struct Text([u8; 16]);

impl Key for Text {
    type Kept = Box<[u8]>;
    type Met = [u8];
    const LOOK_FIRST: bool = true;
    fn new(mut node: u32) -> Self {
        let mut text = *b"package-00000000";
        for i in (8..16).rev() {
            text[i] = b'0' + (node % 10) as u8;
            node /= 10;
        }
        Text(text)
    }
    fn met(&self) -> &[u8] {
        &self.0
    }
    fn keep(self) -> Box<[u8]> {
        Box::new(self.0)
    }
}

type Edges = Vec<(u32, u32)>;

struct Walk<K: Key> {
    graph: Graph,
    known: DashMap<K::Kept, (), RandomState>,
    edges: Option<Vec<Mutex<Edges>>>, // of each thread
}

impl<K: Key> Walk<K> {
    // Whether the node is new.
    fn add(&self, node: u32) -> bool {
        let key = K::new(node);
        if K::LOOK_FIRST && self.known.contains_key(key.met()) {
            return false;
        }
        self.known.insert(key.keep(), ()).is_none()
    }

    fn visit(&self, nodes: &[u32], mut found: impl FnMut(u32)) {
        let graph = self.graph;
        let mut edges = self.edges.as_ref().map(|all| {
            all[rayon::current_thread_index().unwrap()].lock().unwrap()
        });
        for &node in nodes {
            for edge in 0..DEGREE {
                let next = graph.next(node, edge);
                if let Some(edges) = &mut edges {
                    edges.push((next, node));
                }
                if self.add(next) {
                    found(next);
                }
            }
        }
    }
}

// ---- walks -----------------------------------------------------------------

fn spawned<'a, K: Key>(scope: &rayon::Scope<'a>, walk: &'a Walk<K>, node: u32) {
    walk.visit(&[node], |next| {
        scope.spawn(move |scope| spawned(scope, walk, next));
    });
}

fn spawn<K: Key>(walk: &Walk<K>) {
    walk.add(0);
    rayon::scope(|scope| spawned(scope, walk, 0));
}

fn levels<K: Key>(walk: &Walk<K>) {
    walk.add(0);
    let mut level = vec![0];
    while !level.is_empty() {
        let parts: Vec<Vec<u32>> = level
            .par_chunks(1024)
            .map(|nodes| {
                let mut found = Vec::with_capacity(nodes.len());
                walk.visit(nodes, |next| found.push(next));
                found
            })
            .collect();
        level = parts.concat();
    }
}

// ---- figures ---------------------------------------------------------------

fn cpu_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut now) }, 0);
    now.tv_sec as i64 * 1_000_000_000 + now.tv_nsec as i64
}

fn peak_mb() -> f64 {
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut used) }, 0);
    used.ru_maxrss as f64 * 1024.0 / 1e6
}

fn measure<K: Key>(form: &str, make: impl Fn() -> Walk<K>) {
    let (cpu, begin) = (cpu_ns(), Instant::now());
    let walk = make();
    match form {
        "spawn" => spawn(&walk),
        "levels" => levels(&walk),
        _ => panic!("no form {}", form),
    }
    let wall = begin.elapsed().as_nanos() as f64;
    let cpu = (cpu_ns() - cpu) as f64;
    let checks = walk.graph.nodes as f64 * DEGREE as f64;
    assert_eq!(walk.known.len(), walk.graph.nodes as usize);
    println!("wall {:.4} ns/check", wall / checks);
    println!("cpu {:.4} ns/check", cpu / checks);
    println!("peak {:.4} MB", peak_mb());
    std::process::exit(0); // freeing is not measured
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().expect("a form");
    let (mut nodes, mut threads, mut shards) = (1_000_000, 2, 256);
    let (mut text, mut edges) = (false, false);
    while let Some(word) = arguments.next() {
        let mut number =
            || arguments.next().unwrap().parse::<u32>().expect("a number");
        match word.as_str() {
            "--nodes" => nodes = number(),
            "--threads" => threads = number(),
            "--shards" => shards = number(),
            "--text" => text = true,
            "--edges" => edges = true,
            _ => panic!("unknown: {}", word),
        }
    }
    let bits = 32 - (nodes - 1).leading_zeros();
    let graph = Graph {
        nodes,
        mask: ((1u64 << bits) - 1) as u32,
        half: bits / 2 + 1,
    };
    let (width, shards) = (threads as usize, shards as usize);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(width);
    let edges = || edges.then(|| (0..width).map(|_| Mutex::default()).collect());
    let hash = RandomState::default;
    pool.build().unwrap().install(|| {
        if text {
            measure::<Text>(&form, || Walk {
                graph,
                known: DashMap::with_hasher_and_shard_amount(hash(), shards),
                edges: edges(),
            })
        } else {
            measure::<u64>(&form, || Walk {
                graph,
                known: DashMap::with_hasher_and_shard_amount(hash(), shards),
                edges: edges(),
            })
        }
    });
}
