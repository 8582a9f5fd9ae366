//! The program from outside, and the library against slow oracles: a module a subject.

#![allow(clippy::unwrap_used)] // a test that can't go on fails
#![allow(clippy::format_collect)] // files are made of lines

mod decode;
mod docs;
mod eval;
mod fixtures;
mod hostile;
mod loss;
mod oracle;
mod properties;
mod published;
mod reference;
mod support;
