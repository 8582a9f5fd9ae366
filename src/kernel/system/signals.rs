//! What a process says where the system ends it: with `SIGBUS` where a mapped file is shortened under it, with `SIGABRT`
//! where the standard library is refused memory, for one.
//!
//! It is the program that asks for this, not the library.
#![allow(unsafe_code)]

#[cfg(unix)]
pub(super) use unix::name_file;

/// From now on, a mapped file that was shortened ends the process with a message that names it and exit code 2, and so
/// does an abort, as where memory is refused.
pub(super) fn install() {
    #[cfg(unix)]
    unix::install();
}

/// A file that is mapped. Elsewhere a mapped file can't be shortened.
#[cfg(not(unix))]
pub(super) fn name_file(_: &str) {}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
    use std::sync::{Mutex, PoisonError};

    /// Whether anything is to be said.
    static INSTALLED: AtomicBool = AtomicBool::new(false);

    /// The files that were mapped.
    static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    /// What is said when one of them is gone.
    static MESSAGE: AtomicPtr<String> = AtomicPtr::new(std::ptr::null_mut());

    /// A file that is mapped.
    pub(in crate::kernel::system) fn name_file(name: &str) {
        if !INSTALLED.load(Ordering::Acquire) {
            return;
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if names.iter().any(|known| known == name) {
            return;
        }
        names.push(name.to_owned());
        let message = format!(
            "error: {}: expected to stay as it was, found that it was shortened or became unreadable\n\
             hint: try again when nobody writes to it\n",
            names.join(" or ")
        );
        // Never freed: the handler may be reading the one before.
        MESSAGE.store(Box::into_raw(Box::new(message)), Ordering::Release);
    }

    pub(super) fn install() {
        handle(libc::SIGBUS, end_of_file);
        handle(libc::SIGABRT, end_of_abort);
        // A write beyond the limit of a file's size is an error of that write.
        // SAFETY: nobody else handles it.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        INSTALLED.store(true, Ordering::Release);
    }

    fn handle(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) {
        // SAFETY: `action` is a valid `sigaction`, of which zeros are valid fields; both handlers may run as such.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }

    extern "C" fn end_of_file(_: libc::c_int) {
        // SAFETY: what the pointer refers to is whole and never freed.
        end(unsafe { MESSAGE.load(Ordering::Acquire).as_ref() }.map_or("", String::as_str));
    }

    /// The standard library has said why in a line of its own.
    extern "C" fn end_of_abort(_: libc::c_int) {
        end("error: aborted, as where the system refuses memory\n\
             hint: where it does, raise the limit (ulimit -v), or give less at a time\n");
    }

    fn end(message: &str) {
        // SAFETY: `write` and `_exit` may be called in handlers.
        unsafe {
            libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
            libc::_exit(2);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use crate::kernel::Mapping;

    /// In a process of its own, which it ends.
    #[test]
    fn a_file_that_is_shortened_ends_the_program_with_a_message() {
        const CHILD: &str = "CTCTOOL_TEST_SHORTENED";
        if std::env::var_os(CHILD).is_some() {
            crate::kernel::begin_program();
            let mut file = tempfile::tempfile().expect("a temporary file");
            file.write_all(&vec![0; 40_000]).expect("room for it");
            let map = Mapping::new(&file, "x.npy", 0..40_000).expect("files can be mapped");
            let _other = Mapping::new(&file, "y.npy", 0..40_000).expect("files can be mapped");
            let _again = Mapping::new(&file, "x.npy", 0..40_000).expect("files can be mapped");
            file.set_len(0).expect("a shorter file");
            let values = map.values::<u8>(0..40_000).expect("bytes");
            panic!("{} of no file", values.iter().map(|&byte| u32::from(byte)).sum::<u32>());
        }
        let name = "kernel::system::signals::tests::a_file_that_is_shortened_ends_the_program_with_a_message";
        let program = std::env::current_exe().expect("this program");
        let mut child = std::process::Command::new(program);
        child.args(["--exact", name, "--nocapture"]).env(CHILD, "1");
        let output = child.output().expect("a process");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: x.npy or y.npy: "), "{output:?}");
    }
}
