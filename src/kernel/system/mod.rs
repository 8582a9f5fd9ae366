//! What the program has from the operating system that needs unsafe code: files as memory, signals, large pages.

mod large_pages;
mod mapping;
mod signals;

pub(crate) use large_pages::zeros;
pub use mapping::allow_mapping;
pub(crate) use mapping::{Mapping, is_mapping_allowed};

/// Makes the process this program's: files are mapped, and what ends the process says so.
#[allow(unsafe_code)]
pub(crate) fn begin_program() {
    signals::install();
    // SAFETY: README tells the program's users that nobody may write to a file that is read.
    unsafe { allow_mapping() };
}
