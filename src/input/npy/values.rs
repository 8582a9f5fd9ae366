//! The values of a .npy file: read, and made the numbers that are computed with.

// What is written for integers of all types says more than some need.
#![allow(clippy::cast_lossless, clippy::unnecessary_fallible_conversions, clippy::useless_conversion)]

use rayon::prelude::*;

use super::{Dtype, NpyInfo};
use crate::input::InputError;
use crate::input::source::{MAX_RESERVED, RandomAccess, Source};
use crate::kernel::{Element, Floats, Mapping, widen_big_endian_halves, widen_halves, zeros};

/// Bytes that are decoded at a time: what was read is still in the cache then. A multiple of every size.
const READ_BYTES: usize = 1 << 17;
/// Values that a thread reads at a time: what was read is still in its cache then.
const READ_AT_ONCE: usize = 1 << 13;

/// Hands the integers of `$bytes`, as numbers of their own type, to what is written as a closure.
macro_rules! each_integer {
    ($info:expr, $bytes:expr, |$values:ident| $work:expr) => {
        match $info.dtype {
            Dtype::Int(1) => each_integer!(i8, $info, $bytes, |$values| $work),
            Dtype::Int(2) => each_integer!(i16, $info, $bytes, |$values| $work),
            Dtype::Int(4) => each_integer!(i32, $info, $bytes, |$values| $work),
            Dtype::Int(_) => each_integer!(i64, $info, $bytes, |$values| $work),
            Dtype::Uint(2) => each_integer!(u16, $info, $bytes, |$values| $work),
            Dtype::Uint(4) => each_integer!(u32, $info, $bytes, |$values| $work),
            Dtype::Uint(8) => each_integer!(u64, $info, $bytes, |$values| $work),
            _ => each_integer!(u8, $info, $bytes, |$values| $work),
        }
    };
    ($type:ty, $info:expr, $bytes:expr, |$values:ident| $work:expr) => {{
        // Two loops, each of which becomes vector code.
        if $info.big_endian {
            let $values = values($bytes).map(<$type>::from_be_bytes);
            $work
        } else {
            let $values = values($bytes).map(<$type>::from_le_bytes);
            $work
        }
    }};
}

/// What the values of a file are computed with as.
pub(in crate::input) trait Decoded: Element {
    /// What needs no decoding where the byte order is this machine's.
    const DTYPE: Dtype;

    /// Makes the numbers of `bytes`, as many as `out` has room for.
    fn decode(info: &NpyInfo, bytes: &[u8], out: &mut [Self]);
}

/// For dtypes that single precision holds.
impl Decoded for f32 {
    const DTYPE: Dtype = Dtype::F32;

    fn decode(info: &NpyInfo, bytes: &[u8], out: &mut [Self]) {
        match (info.dtype, info.big_endian) {
            (Dtype::F16, false) => widen_halves(bytes.as_chunks().0, out),
            (Dtype::F16, true) => widen_big_endian_halves(bytes.as_chunks().0, out),
            (_, false) => fill_with(out, values(bytes).map(Self::from_le_bytes)),
            (_, true) => fill_with(out, values(bytes).map(Self::from_be_bytes)),
        }
    }
}

impl Decoded for f64 {
    const DTYPE: Dtype = Dtype::F64;

    fn decode(info: &NpyInfo, bytes: &[u8], out: &mut [Self]) {
        const AT_ONCE: usize = 256;
        match (info.dtype, info.big_endian) {
            (Dtype::F64, false) => fill_with(out, values(bytes).map(Self::from_le_bytes)),
            (Dtype::F64, true) => fill_with(out, values(bytes).map(Self::from_be_bytes)),
            (Dtype::F16 | Dtype::F32, _) => {
                let mut single = [0.0; AT_ONCE];
                let pieces = bytes.chunks(AT_ONCE * info.dtype.size());
                for (bytes, out) in pieces.zip(out.chunks_mut(AT_ONCE)) {
                    let single = &mut single[..out.len()];
                    f32::decode(info, bytes, single);
                    fill_with(out, single.iter().copied().map(Self::from));
                }
            }
            _ => each_integer!(info, bytes, |values| fill_with(out, values.map(|value| value as Self))),
        }
    }
}

impl NpyInfo {
    /// Reads the values' bytes: all of them, and nothing behind them.
    pub(in crate::input) fn read_body(&self, source: &mut Source) -> Result<Vec<u8>, InputError> {
        let bytes = source.read_at_most((self.byte_len() as u64).saturating_add(1))?;
        if bytes.len() == self.byte_len() {
            Ok(bytes)
        } else {
            Err(self.length_error(source.name(), bytes.len() as u64))
        }
    }

    /// The values as 32-bit integers, each thread reading some of them: fresh memory costs more than what is read
    /// into it. None, and nothing is read, where they are no integers in C order of a regular file; none as well where
    /// one is larger.
    pub(in crate::input) fn read_small(&self, source: &mut Source) -> Result<Option<Vec<i32>>, InputError> {
        let usual =
            self.dtype.is_integer() && self.is_in_order() && self.len <= MAX_RESERVED / size_of::<i64>();
        let Some(file) = source.random_access().filter(|_| usual) else {
            return Ok(None);
        };
        let (name, start) = (source.name(), source.position());
        let narrow = |raw: &mut Vec<u8>, (piece, small): (usize, &mut [i32])| {
            let offset = piece * READ_AT_ONCE * self.dtype.size();
            raw.resize(small.len() * self.dtype.size(), 0);
            let count = file.read_at(raw, start + offset as u64)?;
            if count < raw.len() {
                return Err(self.length_error(name, (offset + count) as u64));
            }
            Ok(each_integer!(self, raw, |values| {
                small.iter_mut().zip(values).fold(true, |fits, (small, value)| {
                    let narrow = i32::try_from(value);
                    *small = narrow.unwrap_or(0);
                    fits & narrow.is_ok()
                })
            }))
        };
        let mut small = zeros(self.len);
        let pieces = small.par_chunks_mut(READ_AT_ONCE).enumerate();
        let fits = pieces.map_init(Vec::new, narrow).try_reduce(|| true, |a, b| Ok(a & b))?;
        self.check_end(source, start)?;
        Ok(fits.then_some(small))
    }

    /// Whether the last axis is the fastest in memory.
    pub(in crate::input) fn is_in_order(&self) -> bool {
        !self.fortran_order || self.shape.len() < 2
    }

    /// Nothing may follow the values, which began at byte `start`; a stream has come to their end. Of a file, they must
    /// still be all there: what is mapped, and was cut off within a page, is zeros.
    pub(in crate::input) fn check_end(&self, source: &mut Source, start: u64) -> Result<(), InputError> {
        if let Some(file) = source.random_access() {
            return self.check_end_of_file(file, start);
        }
        match source.read_up_to(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.length_error(source.name(), (self.byte_len() as u64).saturating_add(1))),
        }
    }

    fn check_end_of_file(&self, file: RandomAccess<'_>, start: u64) -> Result<(), InputError> {
        let expected = self.byte_len() as u64;
        let found = file.len()?.saturating_sub(start);
        if found == expected { Ok(()) } else { Err(self.length_error(file.name(), found)) }
    }

    /// All values. None, and nothing is read, where they are not in C order in a regular file, or huge and of a type that
    /// does not lie there as it does in memory.
    pub(in crate::input) fn floats_in_order(
        &self,
        source: &mut Source,
    ) -> Result<Option<FloatValues>, InputError> {
        Ok(match self.map_in_order(source) {
            Some(mapped) => Some(FloatValues::Mapped(mapped)),
            None => self.read_in_order(source)?.map(FloatValues::Doubles),
        })
    }

    /// All values where the system keeps the file. None, and nothing is read, where they are not in C order in a regular
    /// file, or do not lie there as they do in memory.
    fn map_in_order(&self, source: &mut Source) -> Option<MappedFloats> {
        let usual = self.is_native_float() && self.is_in_order();
        let start = source.position();
        // That the file is as long was checked with the header.
        let mapping = source.random_access().filter(|_| usual)?.map(start..start + self.byte_len() as u64)?;
        let source = source.again(0).ok()?;
        let mapped = MappedFloats { mapping, info: self.clone(), source, start };
        // None where they do not begin where such numbers may.
        mapped.all().is_some().then_some(mapped)
    }

    /// All values as doubles. None, and nothing is read, where they are not in C order in a regular file, or huge.
    pub(in crate::input) fn read_in_order(
        &self,
        source: &mut Source,
    ) -> Result<Option<Vec<f64>>, InputError> {
        let is_huge = self.len > MAX_RESERVED / size_of::<f64>();
        let start = source.position();
        let Some(file) = source.random_access().filter(|_| self.is_in_order() && !is_huge) else {
            return Ok(None);
        };
        let mut values = zeros(self.len);
        self.read_at(file, start, 0, &mut values)?;
        self.check_end(source, start)?;
        Ok(Some(values))
    }

    /// Fills `out` with the values from number `first` on of a regular file whose values begin at byte `start`, each
    /// thread reading some of them.
    pub(in crate::input) fn read_at<E: Decoded>(
        &self,
        file: RandomAccess<'_>,
        start: u64,
        first: usize,
        out: &mut [E],
    ) -> Result<(), InputError> {
        let read = |(raw, values): &mut (Vec<u8>, Vec<E>), (piece, out): (usize, &mut [E])| {
            let offset = (first + piece * READ_AT_ONCE) * self.dtype.size();
            let count = self.fill(out.len(), &mut file.reader(start + offset as u64), raw, values)?;
            if count < out.len() * self.dtype.size() {
                return Err(self.length_error(file.name(), (offset + count) as u64));
            }
            out.copy_from_slice(values);
            Ok(())
        };
        out.par_chunks_mut(READ_AT_ONCE).enumerate().try_for_each_init(Default::default, read)
    }

    /// All values of `bytes` in double precision.
    pub(in crate::input) fn doubles(&self, bytes: &[u8]) -> Vec<f64> {
        let mut values = vec![0.0; bytes.len() / self.dtype.size()];
        f64::decode(self, bytes, &mut values);
        values
    }

    /// Reads `len` values into `out`; returns the number of bytes that `read` had for it, and leaves nothing usable
    /// where they are too few. `raw` is room to be used again.
    pub(in crate::input) fn fill<T: Decoded, E>(
        &self,
        len: usize,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
        raw: &mut Vec<u8>,
        out: &mut Vec<T>,
    ) -> Result<usize, E> {
        if self.dtype == T::DTYPE && self.is_native() {
            return fill_native(len, read, out);
        }
        raw.resize(READ_BYTES, 0);
        // What was there before need not be made zero once more.
        out.truncate(len);
        let size = self.dtype.size();
        let mut done = 0;
        while done < len {
            let piece = &mut raw[..((len - done) * size).min(READ_BYTES)];
            let count = read(piece)?;
            if count < piece.len() {
                return Ok(done * size + count);
            }
            let end = done + piece.len() / size;
            if out.len() < end {
                out.resize(end, T::ZERO);
            }
            T::decode(self, piece, &mut out[done..end]);
            done = end;
        }
        Ok(done * size)
    }

    /// Makes the numbers of `bytes`, each thread some of them.
    pub(in crate::input) fn decode<E: Decoded>(&self, bytes: &[u8], out: &mut [E]) {
        let pieces = bytes.par_chunks(READ_AT_ONCE * self.dtype.size());
        pieces.zip(out.par_chunks_mut(READ_AT_ONCE)).for_each(|(bytes, out)| E::decode(self, bytes, out));
    }

    /// Whether the values lie in the file as they do in memory, in single or double precision.
    pub(in crate::input) fn is_native_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::F64) && self.is_native()
    }

    fn is_native(&self) -> bool {
        self.big_endian == cfg!(target_endian = "big")
    }

    /// The values of `bytes` as integers; none for each that is not one or too large.
    pub(in crate::input) fn integers(&self, bytes: &[u8]) -> Vec<Option<i64>> {
        let values = (0..bytes.len() / self.dtype.size()).map(|at| self.integer_at(bytes, at));
        values.map(|value| value.and_then(|value| i64::try_from(value).ok())).collect()
    }

    /// Value `at` of `bytes`; none where it is no integer.
    pub(in crate::input) fn integer_at(&self, bytes: &[u8], at: usize) -> Option<i128> {
        let size = self.dtype.size();
        let value = &bytes[at * size..][..size];
        if !self.dtype.is_integer() {
            return None;
        }
        each_integer!(self, value, |values| values.last().map(i128::from))
    }
}

/// Floating-point numbers where the system keeps their file.
pub(crate) struct MappedFloats {
    mapping: Mapping,
    info: NpyInfo,
    source: Source,
    /// Where in the file they begin.
    start: u64,
}

impl MappedFloats {
    fn check(&self) -> Result<(), InputError> {
        self.source.random_access().map_or(Ok(()), |file| self.info.check_end_of_file(file, self.start))
    }

    fn get(&self) -> Floats<'_> {
        self.all().expect("numbers, as when they were mapped")
    }

    fn all(&self) -> Option<Floats<'_>> {
        let range = 0..self.mapping.len();
        if self.info.dtype == Dtype::F32 {
            self.mapping.values(range).map(Floats::Single)
        } else {
            self.mapping.values(range).map(Floats::Double)
        }
    }
}

/// Floating-point numbers in C order.
pub(crate) enum FloatValues {
    /// Where the system keeps the file.
    Mapped(MappedFloats),
    /// In memory.
    Doubles(Vec<f64>),
}

impl FloatValues {
    /// All of them.
    pub(crate) fn get(&self) -> Floats<'_> {
        match self {
            Self::Mapped(mapped) => mapped.get(),
            Self::Doubles(values) => Floats::Double(values),
        }
    }

    /// To be asked once all was computed with them: whether the file was whole until now, where they are not in memory.
    ///
    /// # Errors
    /// Where it was shortened, or written to at its end.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        match self {
            Self::Mapped(mapped) => mapped.check(),
            Self::Doubles(_) => Ok(()),
        }
    }
}

/// Values for which there is memory before any was read.
const BELIEVED: usize = 1 << 20;

/// Reads `len` values as they are in memory; a header that claims more than there is costs no more than what there is.
fn fill_native<T: bytemuck::Pod, E>(
    len: usize,
    read: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
    out: &mut Vec<T>,
) -> Result<usize, E> {
    out.truncate(len);
    let (mut done, mut count) = (0, 0);
    while done < len {
        let end = out.len().max(2 * done).max(BELIEVED).min(len);
        out.resize(end, T::zeroed());
        let piece = bytemuck::cast_slice_mut(&mut out[done..]);
        let found = read(piece)?;
        count += found;
        if found < piece.len() {
            break;
        }
        done = end;
    }
    Ok(count)
}

fn values<const N: usize>(bytes: &[u8]) -> impl ExactSizeIterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Writes values to as many places.
fn fill_with<T>(out: &mut [T], values: impl Iterator<Item = T>) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
}
