// SPDX-License-Identifier: MIT
//! rayon's pool, or threads that take jobs off a crossbeam channel, as a form
//! of bench/pool.c, whose structs these are.
use std::ffi::{c_char, c_void};

#[repr(C)]
pub struct Task {
    run: extern "C" fn(*mut Task),
    done: Option<extern "C" fn(*mut Task)>,
    started: i64,
    ran: u64,
}

#[repr(C)]
pub struct Form {
    name: *const c_char,
    task_size: usize,
    outside: u32,
    stops: u32,
    open: extern "C" fn(u32) -> *mut c_void,
    prepare: Option<extern "C" fn(*mut c_void, *mut Task, usize)>,
    submit: extern "C" fn(*mut c_void, *mut Task),
    submit_all: Option<extern "C" fn(*mut c_void, *mut Task, usize)>,
    finish: Option<extern "C" fn(*mut c_void)>,
    both: Option<extern "C" fn(*mut Task, *mut Task)>,
    close: extern "C" fn(*mut c_void),
}

unsafe impl Sync for Form {}

/// A task that is on its way to a worker.
struct Sent(*mut Task);

unsafe impl Send for Sent {}

impl Sent {
    fn run(self) {
        // The task is lent to the pool until `done`, which may hand it in
        // again: nothing of it is looked at after that.
        let t = unsafe { &*self.0 };
        let done = t.done;
        (t.run)(self.0);
        if let Some(done) = done {
            done(self.0);
        }
    }
}

#[cfg(feature = "rayon_pool")]
mod pool {
    use super::*;
    use rayon::{ThreadPool, ThreadPoolBuilder};

    extern "C" fn open(workers: u32) -> *mut c_void {
        let builder = ThreadPoolBuilder::new().num_threads(workers as usize);
        let pool = builder.build().expect("threads");
        Box::into_raw(Box::new(pool)) as *mut c_void
    }

    extern "C" fn submit(pool: *mut c_void, t: *mut Task) {
        let pool = unsafe { &*(pool as *const ThreadPool) };
        let sent = Sent(t);
        pool.spawn(move || sent.run());
    }

    extern "C" fn both(here: *mut Task, there: *mut Task) {
        let (here, there) = (Sent(here), Sent(there));
        rayon::join(move || here.run(), move || there.run());
    }

    /// Its threads are told to end, and not waited for.
    extern "C" fn close(pool: *mut c_void) {
        drop(unsafe { Box::from_raw(pool as *mut ThreadPool) });
    }

    #[no_mangle]
    #[allow(non_upper_case_globals)]
    pub static bench_form: Form = Form {
        name: b"rayon\0".as_ptr() as *const c_char,
        task_size: std::mem::size_of::<Task>(),
        outside: 1,
        stops: 1,
        open,
        prepare: None,
        submit,
        submit_all: None,
        finish: None,
        both: Some(both),
        close,
    };
}

#[cfg(feature = "channel_pool")]
mod pool {
    use super::*;
    use crossbeam_channel::{unbounded, Sender};
    use std::thread::{spawn, JoinHandle};

    struct Own {
        jobs: Sender<Sent>,
        threads: Vec<JoinHandle<()>>,
    }

    extern "C" fn open(workers: u32) -> *mut c_void {
        let (jobs, taken) = unbounded::<Sent>();
        let work = || {
            let taken = taken.clone();
            spawn(move || {
                for sent in taken {
                    sent.run();
                }
            })
        };
        let threads = (0..workers).map(|_| work()).collect();
        Box::into_raw(Box::new(Own { jobs, threads })) as *mut c_void
    }

    extern "C" fn submit(pool: *mut c_void, t: *mut Task) {
        let own = unsafe { &*(pool as *const Own) };
        own.jobs.send(Sent(t)).expect("somebody takes it");
    }

    extern "C" fn close(pool: *mut c_void) {
        let own = unsafe { Box::from_raw(pool as *mut Own) };
        drop(own.jobs);
        for thread in own.threads {
            thread.join().expect("a thread that ended well");
        }
    }

    #[no_mangle]
    #[allow(non_upper_case_globals)]
    pub static bench_form: Form = Form {
        name: b"crossbeam\0".as_ptr() as *const c_char,
        task_size: std::mem::size_of::<Task>(),
        outside: 1,
        stops: 1,
        open,
        prepare: None,
        submit,
        submit_all: None,
        finish: None,
        both: None,
        close,
    };
}
