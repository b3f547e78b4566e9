//! `record`: what a child does to the files of a directory, call by call, in the order in which the kernel
//! carried it out (ptrace, PTRACE_SEIZE).

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    libc::{self, user_regs_struct},
    sys::{
        ptrace::{self, Options},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

/// What happened. A file is known by its inode, for it may change its name.
#[derive(Debug)]
pub(crate) enum Event {
    Create {
        name: String,
        inode: u64,
    },
    Write {
        inode: u64,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: u64,
        length: u64,
    },
    Sync {
        inode: u64,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        name: String,
    },
    SyncDirectory,
    /// The child said something on its standard output.
    Said(String),
}

/// Takes hold of every thread of a process; those that it starts later come along.
pub(crate) fn seize(process: Pid) -> Result<(), Errno> {
    for thread in fs::read_dir(format!("/proc/{process}/task")).unwrap() {
        let thread = thread.unwrap().file_name().into_string().unwrap().parse().unwrap();
        let thread = Pid::from_raw(thread);
        ptrace::seize(thread, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE)?;
        ptrace::interrupt(thread)?;
    }
    Ok(())
}

/// Lets a process that was taken hold of run to its end, and gives what it did in `dir`.
pub(crate) fn record(process: Pid, dir: &Path) -> Vec<Event> {
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut tracer = Tracer { process, memory, dir: dir.canonicalize().unwrap(), events: Vec::new() };
    // Each thread's call that has begun, with what can only be known at its beginning.
    let mut under_way: HashMap<Pid, (user_regs_struct, Option<Event>)> = HashMap::new();
    loop {
        // Not the children of other threads, which are other tests'.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let (thread, signal) = match waitpid(None, Some(flags)).unwrap() {
            WaitStatus::PtraceSyscall(thread) => {
                let Ok(now) = ptrace::getregs(thread) else { continue };
                match under_way.remove(&thread) {
                    None => drop(under_way.insert(thread, (now, tracer.begins(&now)))),
                    Some((call, event)) if now.rax.cast_signed() >= 0 => {
                        tracer.events.extend(event.or_else(|| tracer.ended(&call, now.rax)));
                    }
                    Some(_) => {}
                }
                (thread, None)
            }
            WaitStatus::PtraceEvent(thread, ..) => (thread, None),
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            WaitStatus::Exited(thread, code) if thread == process => {
                assert_eq!(code, 0, "the child failed");
                return tracer.events;
            }
            WaitStatus::Signaled(thread, signal, _) if thread == process => panic!("{signal:?}"),
            _ => continue,
        };
        let _ = ptrace::syscall(thread, signal); // one that has just been ended does not go on
    }
}

struct Tracer {
    process: Pid,
    memory: File,
    dir: PathBuf,
    events: Vec<Event>,
}

impl Tracer {
    /// What a call will have done if it goes well.
    fn begins(&self, call: &user_regs_struct) -> Option<Event> {
        match call.orig_rax.cast_signed() {
            libc::SYS_write if call.rdi == 1 => {
                Some(Event::Said(String::from_utf8(self.read(call.rsi, call.rdx)).unwrap()))
            }
            libc::SYS_write => {
                let inode = self.inode(call.rdi)?;
                let info = fs::read_to_string(format!("/proc/{}/fdinfo/{}", self.process, call.rdi)).unwrap();
                let at = info.strip_prefix("pos:").unwrap().lines().next().unwrap().trim().parse().unwrap();
                Some(Event::Write { inode, at, bytes: self.read(call.rsi, call.rdx) })
            }
            libc::SYS_pwrite64 => {
                let inode = self.inode(call.rdi)?;
                Some(Event::Write { inode, at: call.r10, bytes: self.read(call.rsi, call.rdx) })
            }
            libc::SYS_ftruncate => Some(Event::Truncate { inode: self.inode(call.rdi)?, length: call.rsi }),
            libc::SYS_fsync | libc::SYS_fdatasync => match self.inode(call.rdi) {
                Some(inode) => Some(Event::Sync { inode }),
                None => (self.path_of(call.rdi)? == self.dir).then_some(Event::SyncDirectory),
            },
            libc::SYS_rename => Some(Event::Rename { from: self.name(call.rdi)?, to: self.name(call.rsi)? }),
            libc::SYS_unlink => Some(Event::Remove { name: self.name(call.rdi)? }),
            // The other ways to do these things are ways around this test.
            number @ (libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_truncate
            | libc::SYS_fallocate
            | libc::SYS_renameat
            | libc::SYS_renameat2
            | libc::SYS_unlinkat) => panic!("system call {number} is not accounted for"),
            _ => None,
        }
    }

    /// What a call has done that went well.
    fn ended(&self, call: &user_regs_struct, result: u64) -> Option<Event> {
        let opened = match call.orig_rax.cast_signed() {
            libc::SYS_openat => call.rdx,
            libc::SYS_open => call.rsi,
            _ => return None,
        };
        let inode = self.inode(result)?;
        assert_eq!(
            opened & u64::from(libc::O_TRUNC.cast_unsigned()),
            0,
            "opening is not accounted for as writing"
        );
        let path = self.path_of(result)?;
        Some(Event::Create { name: path.file_name()?.to_str()?.to_owned(), inode })
    }

    fn path_of(&self, file: u64) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/fd/{file}", self.process)).ok()
    }

    /// The inode of an open file of the directory.
    fn inode(&self, file: u64) -> Option<u64> {
        (self.path_of(file)?.parent()? == self.dir)
            .then(|| fs::metadata(format!("/proc/{}/fd/{file}", self.process)).unwrap().ino())
    }

    /// The name in the directory of the path that stands at an address.
    fn name(&self, address: u64) -> Option<String> {
        let mut path = vec![0; 4096];
        let there = self.memory.read_at(&mut path, address).unwrap();
        let end = path[..there].iter().position(|byte| *byte == 0).unwrap();
        let path = Path::new(std::str::from_utf8(&path[..end]).unwrap());
        (path.parent()? == self.dir).then(|| path.file_name().unwrap().to_str().unwrap().to_owned())
    }

    fn read(&self, address: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        self.memory.read_exact_at(&mut bytes, address).unwrap();
        bytes
    }
}
