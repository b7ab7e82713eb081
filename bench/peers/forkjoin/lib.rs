// SPDX-License-Identifier: MIT
// rayon, as a table of functions for forkjoin_main.c: join, par_iter_mut and
// the sorts: unstable ("join") and stable ("stable").

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

const BRANCHES: u64 = 10;
const QUEENS_MAX: usize = 16;
const LEAF: usize = 64;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Board {
    column: [u8; QUEENS_MAX],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Node {
    word: [u32; 5],
}

extern "C" {
    fn fj_uts_root(node: *mut Node);
    fn fj_uts_child(child: *mut Node, parent: *const Node, index: u32);
    fn fj_uts_count(node: *const Node, depth: u32) -> u32;
    fn fj_leaf(c: *mut f32, a: *const f32, b: *const f32, n: usize);
    fn strcmp(a: *const c_char, b: *const c_char) -> c_int;
}

// ---- the pools -------------------------------------------------------------

static POOLS: Mutex<Vec<&'static ThreadPool>> = Mutex::new(Vec::new());

extern "C" fn start(workers: u32, pools: u32) {
    let mut all = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..pools {
        let builder = ThreadPoolBuilder::new().num_threads(workers as usize);
        all.push(Box::leak(Box::new(builder.build().unwrap())));
    }
}

extern "C" fn stop() {}

type Inside = extern "C" fn(*mut c_void, *mut c_void);

extern "C" fn inside(pool: u32, function: Inside, context: *mut c_void) {
    let pool = POOLS.lock().unwrap()[pool as usize];
    let context = context as usize;
    pool.install(|| {
        function(std::ptr::null_mut(), context as *mut c_void);
    });
}

// ---- trees -----------------------------------------------------------------

fn fib_of(n: u32) -> u64 {
    if n < 2 {
        return n as u64;
    }
    let (left, right) = rayon::join(|| fib_of(n - 1), || fib_of(n - 2));
    left + right
}

extern "C" fn fib(_: *mut c_void, n: u32) -> u64 {
    fib_of(n)
}

// Parts [from, to) of ten, by halves, for join has two sides.
fn sky_parts(first: u64, size: u64, from: u64, to: u64) -> u64 {
    if to - from == 1 {
        return sky_of(first + from * size, size);
    }
    let middle = (from + to) / 2;
    let (left, right) = rayon::join(
        || sky_parts(first, size, from, middle),
        || sky_parts(first, size, middle, to),
    );
    left + right
}

// As fj_number.
fn number(mut number: u64) -> u64 {
    unsafe { std::arch::asm!("/* {0} */", inout(reg) number) };
    number
}

fn sky_of(first: u64, size: u64) -> u64 {
    if size == 1 {
        return number(first);
    }
    sky_parts(first, size / BRANCHES, 0, BRANCHES)
}

extern "C" fn skynet(_: *mut c_void, first: u64, size: u64) -> u64 {
    sky_of(first, size)
}

fn fits(board: &Board, row: u32, column: u32) -> bool {
    (0..row).all(|i| {
        let apart = column as i32 - board.column[i as usize] as i32;
        let rows = (row - i) as i32;
        apart != 0 && apart != rows && apart != -rows
    })
}

fn queens_all(boards: &[Board], row: u32, n: u32) -> u64 {
    if boards.len() == 1 {
        return queens_of(&boards[0], row, n);
    }
    let (lower, upper) = boards.split_at(boards.len() / 2);
    let (left, right) = rayon::join(
        || queens_all(lower, row, n),
        || queens_all(upper, row, n),
    );
    left + right
}

fn queens_of(board: &Board, row: u32, n: u32) -> u64 {
    if row == n {
        return 1;
    }
    let mut next = [*board; QUEENS_MAX];
    let mut count = 0;
    for i in 0..n {
        if fits(board, row, i) {
            next[count].column[row as usize] = i as u8;
            count += 1;
        }
    }
    match count {
        0 => 0,
        _ => queens_all(&next[..count], row + 1, n),
    }
}

extern "C" fn nqueens(_: *mut c_void, n: u32) -> u64 {
    let empty = Board {
        column: [0; QUEENS_MAX],
    };
    queens_of(&empty, 0, n)
}

fn uts_children(node: &Node, from: u32, to: u32, depth: u32) -> u64 {
    if to - from == 1 {
        let mut child = Node { word: [0; 5] };
        unsafe { fj_uts_child(&mut child, node, from) };
        return uts_of(&child, depth);
    }
    let middle = (from + to) / 2;
    let (left, right) = rayon::join(
        || uts_children(node, from, middle, depth),
        || uts_children(node, middle, to, depth),
    );
    left + right
}

fn uts_of(node: &Node, depth: u32) -> u64 {
    match unsafe { fj_uts_count(node, depth) } {
        0 => 1,
        count => 1 + uts_children(node, 0, count, depth + 1),
    }
}

extern "C" fn uts(_: *mut c_void) -> u64 {
    let mut root = Node { word: [0; 5] };
    unsafe { fj_uts_root(&mut root) };
    uts_of(&root, 0)
}

// ---- matmul ----------------------------------------------------------------

#[derive(Clone, Copy)]
struct Part {
    c: *mut f32,
    a: *const f32,
    b: *const f32,
    size: usize,
    n: usize,
}

unsafe impl Send for Part {}
unsafe impl Sync for Part {}

impl Part {
    // Quarter (i, j) of c, with half k of the sums.
    fn quarter(&self, i: usize, j: usize, k: usize) -> Part {
        let (half, n) = (self.size / 2, self.n);
        unsafe {
            Part {
                c: self.c.add(i * half * n + j * half),
                a: self.a.add(i * half * n + k * half),
                b: self.b.add(k * half * n + j * half),
                size: half,
                n,
            }
        }
    }

    fn run(&self) {
        if self.size == LEAF {
            unsafe { fj_leaf(self.c, self.a, self.b, self.n) };
            return;
        }
        for k in 0..2 {
            let of = |i, j| self.quarter(i, j, k).run();
            rayon::join(
                || rayon::join(|| of(0, 0), || of(0, 1)),
                || rayon::join(|| of(1, 0), || of(1, 1)),
            );
        }
    }
}

extern "C" fn matmul(
    _: *mut c_void,
    c: *mut f32,
    a: *const f32,
    b: *const f32,
    n: usize,
) {
    Part { c, a, b, size: n, n }.run()
}

// ---- loops and sorts -------------------------------------------------------

unsafe fn slice<'a, T>(a: *mut T, n: usize) -> &'a mut [T] {
    std::slice::from_raw_parts_mut(a, n)
}

extern "C" fn triple(_: *mut c_void, a: *mut u32, n: usize) {
    unsafe { slice(a, n) }
        .par_iter_mut()
        .for_each(|x| *x = x.wrapping_mul(3).wrapping_add(1));
}

extern "C" fn unstable(_: *mut c_void, a: *mut u32, n: usize) {
    unsafe { slice(a, n) }.par_sort_unstable();
}

extern "C" fn stable(_: *mut c_void, a: *mut u32, n: usize) {
    unsafe { slice(a, n) }.par_sort();
}

#[repr(transparent)]
struct Text(*const c_char);

unsafe impl Send for Text {}
unsafe impl Sync for Text {}

fn by_text(a: &Text, b: &Text) -> Ordering {
    unsafe { strcmp(a.0, b.0) }.cmp(&0)
}

extern "C" fn unstable_text(_: *mut c_void, a: *mut Text, n: usize) {
    unsafe { slice(a, n) }.par_sort_unstable_by(by_text);
}

extern "C" fn stable_text(_: *mut c_void, a: *mut Text, n: usize) {
    unsafe { slice(a, n) }.par_sort_by(by_text);
}

// ---- the table -------------------------------------------------------------

type Matmul =
    extern "C" fn(*mut c_void, *mut f32, *const f32, *const f32, usize);
type Numbers = extern "C" fn(*mut c_void, *mut u32, usize);

#[repr(C)]
pub struct Form {
    name: *const c_char,
    start: Option<extern "C" fn(u32, u32)>,
    stop: Option<extern "C" fn()>,
    inside: Option<extern "C" fn(u32, Inside, *mut c_void)>,
    fib: Option<extern "C" fn(*mut c_void, u32) -> u64>,
    skynet: Option<extern "C" fn(*mut c_void, u64, u64) -> u64>,
    nqueens: Option<extern "C" fn(*mut c_void, u32) -> u64>,
    uts: Option<extern "C" fn(*mut c_void) -> u64>,
    matmul: Option<Matmul>,
    triple: Option<Numbers>,
    sort: Option<Numbers>,
    strings: Option<extern "C" fn(*mut c_void, *mut Text, usize)>,
}

unsafe impl Sync for Form {}

const NONE: Form = Form {
    name: std::ptr::null(),
    start: Some(start),
    stop: Some(stop),
    inside: Some(inside),
    fib: None,
    skynet: None,
    nqueens: None,
    uts: None,
    matmul: None,
    triple: None,
    sort: None,
    strings: None,
};

#[no_mangle]
pub static fj_forms: [Form; 3] = [
    Form {
        name: b"join\0".as_ptr() as *const c_char,
        fib: Some(fib),
        skynet: Some(skynet),
        nqueens: Some(nqueens),
        uts: Some(uts),
        matmul: Some(matmul),
        triple: Some(triple),
        sort: Some(unstable),
        strings: Some(unstable_text),
        ..NONE
    },
    Form {
        name: b"stable\0".as_ptr() as *const c_char,
        sort: Some(stable),
        strings: Some(stable_text),
        ..NONE
    },
    NONE,
];
