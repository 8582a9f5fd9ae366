//! Which instructions the kernels are compiled for, chosen when the program runs.
//!
//! A kernel is written once, as a [`Task`] over plain arrays of lanes, and compiled once for each
//! instruction set by the wrappers below: what is inlined into a function that may use AVX-512 becomes
//! AVX-512 code. Where the compiler falls too short there is a version by hand beside it: see `kernel::avx512` and
//! `kernel::avx2`.
#![allow(unsafe_code)]

/// A computation that is worth its own code for each instruction set.
///
/// `run` and everything it spends its time in must be `#[inline(always)]`: only then is it compiled with
/// the wrapper's instructions.
pub(crate) trait Task {
    /// What it results in.
    type Output;

    /// Does it. `FMA`: whether `mul_add` is one instruction rather than a library call.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// An instruction set that this machine has.
///
/// Results differ between instruction sets by rounding only, within the accuracy that each function states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionSet(Kind);

/// A value other than `Baseline` is made only where the machine was found to have the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on aarch64.
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl InstructionSet {
    /// The best that this machine has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                return Self(Kind::Avx512);
            }
            if has_avx2() {
                return Self(Kind::Avx2);
            }
        }
        Self(Kind::Baseline)
    }

    /// All that this machine has.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)] // elsewhere there is one only
        let mut sets = vec![Self(Kind::Baseline)];
        #[cfg(target_arch = "x86_64")]
        {
            sets.extend(has_avx2().then_some(Self(Kind::Avx2)));
            sets.extend(has_avx512().then_some(Self(Kind::Avx512)));
        }
        sets
    }

    /// Its name: `baseline`, `avx2+fma`, `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2+fma",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    /// The proof that the machine has AVX-512, where this is it.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn avx512(self) -> Option<Avx512> {
        (self.0 == Kind::Avx512).then_some(Avx512(()))
    }

    /// The proof that the machine has AVX2 and fused multiply-add, where this is it.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn avx2(self) -> Option<Avx2> {
        (self.0 == Kind::Avx2).then_some(Avx2(()))
    }

    /// Runs `task` with these instructions.
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            // Fused multiply-add belongs to the baseline of aarch64.
            Kind::Baseline if cfg!(target_arch = "aarch64") => task.run::<true>(),
            Kind::Baseline => task.run::<false>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kind::Avx2` is made by `best` and `available` only, where `has_avx2` holds.
            Kind::Avx2 => unsafe { run_avx2(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kind::Avx512` is made by `best` and `available` only, where `has_avx512` holds.
            Kind::Avx512 => unsafe { run_avx512(task) },
        }
    }
}

/// Exists only where the machine has what [`run_avx512`] is compiled for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

/// Exists only where the machine has what [`run_avx2`] is compiled for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    // Asked of the processor once; the standard library remembers.
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<T: Task>(task: T) -> T::Output {
    task.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512<T: Task>(task: T) -> T::Output {
    task.run::<true>()
}
