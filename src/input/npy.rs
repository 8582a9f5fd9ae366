//! The .npy format: header by `npyz`, size and content checked here.

use std::io;

use half::f16;
use half::slice::HalfFloatSliceExt;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use rayon::prelude::*;

use super::source::{CUT_OFF, MAGIC, MAX_RESERVED, Source};
use super::{InputError, Place};
use crate::shown::shown;

/// NumPy itself reads no longer header from a file that it does not trust.
const MAX_HEADER: usize = 10_000;
/// Bytes that are decoded at a time: what was read is still in the cache then. A multiple of every size.
const READ_BYTES: usize = 1 << 17;
/// Values that a thread narrows at a time: what was read is still in its cache then.
const NARROWED_AT_ONCE: usize = 1 << 13;
/// The deepest that brackets of a plain array's header nest is 2.
const MAX_NESTING: usize = 16;

/// What the numbers of a file are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Signed integers of so many bytes.
    Int(u8),
    /// Unsigned integers of so many bytes.
    Uint(u8),
    /// Booleans of one byte.
    Bool,
}

impl Dtype {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Int(size) | Self::Uint(size) => usize::from(size),
        }
    }

    /// Whether the values are whole numbers.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// Whether single precision holds every value.
    pub fn fits_f32(self) -> bool {
        matches!(self, Self::F16 | Self::F32)
    }

    /// NumPy's name: `float32`.
    pub fn name(self) -> String {
        match self {
            Self::F16 => "float16".into(),
            Self::F32 => "float32".into(),
            Self::F64 => "float64".into(),
            Self::Int(size) => format!("int{}", 8 * usize::from(size)),
            Self::Uint(size) => format!("uint{}", 8 * usize::from(size)),
            Self::Bool => "bool".into(),
        }
    }
}

/// What a .npy header says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NpyInfo {
    /// What the numbers are made of.
    pub dtype: Dtype,
    /// Whether the bytes of each value are in big-endian order.
    pub big_endian: bool,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// Whether the first axis is the fastest in memory.
    pub fortran_order: bool,
    /// Version of the format: 1, 2 or 3.
    pub version: u8,
    /// Number of values.
    pub len: usize,
}

impl NpyInfo {
    /// Reads the header.
    pub(super) fn read(source: &mut Source) -> Result<Self, InputError> {
        let name = source.name().to_owned();
        let invalid = |expected: &str, found: String| InputError::new(&name, Place::whole(), expected, found);
        let cut = || invalid("a .npy header", "the end of the file".into()).hint(CUT_OFF);

        let mut header = Vec::new();
        let mut take = |header: &mut Vec<u8>, count: usize| -> Result<(), InputError> {
            let start = header.len();
            header.resize(start + count, 0);
            if source.read_up_to(&mut header[start..])? < count { Err(cut()) } else { Ok(()) }
        };
        take(&mut header, MAGIC.len() + 2)?;
        let version = header[6];
        if !(1..=3).contains(&version) || header[7] != 0 {
            return Err(invalid(
                "a .npy file of version 1.0 to 3.0",
                format!("version {version}.{}", header[7]),
            ));
        }
        let size_bytes = if version == 1 { 2 } else { 4 };
        take(&mut header, size_bytes)?;
        let length = header[8..].iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > MAX_HEADER {
            return Err(invalid(
                &format!("a .npy header of at most {MAX_HEADER} bytes"),
                format!("{length} bytes"),
            ));
        }
        let text_start = header.len();
        take(&mut header, length)?;
        check_nesting(&header[text_start..])
            .map_err(|depth| invalid("the header of a plain array", format!("brackets {depth} deep")))?;

        if !sizes_can_be_multiplied(&header[text_start..]) {
            let found = shown(&String::from_utf8_lossy(&header[text_start..]));
            return Err(invalid("a shape that memory can hold", found));
        }

        let parsed = NpyHeader::from_reader(io::Cursor::new(&header)).map_err(|error| {
            let text = error.to_string();
            invalid("a valid .npy header", text.lines().next().map(shown).unwrap_or_default())
        })?;
        let (dtype, big_endian) = dtype_of(&parsed.dtype()).map_err(|found| {
            invalid("an array of f2, f4, f8 or integers", found).maybe_hint(hint(&parsed.dtype()))
        })?;
        let shape: Option<Vec<usize>> =
            parsed.shape().iter().map(|&size| usize::try_from(size).ok()).collect();
        let shape =
            shape.ok_or_else(|| invalid("a shape that memory can hold", format!("{:?}", parsed.shape())))?;
        let len = shape
            .iter()
            .filter(|&&size| size > 0)
            .try_fold(dtype.size(), |bytes, &size| bytes.checked_mul(size))
            .map(|bytes| if shape.contains(&0) { 0 } else { bytes / dtype.size() })
            .ok_or_else(|| invalid("a shape that memory can hold", shape_text(&shape)))?;
        let info =
            Self { dtype, big_endian, shape, fortran_order: parsed.order() == Order::Fortran, version, len };
        if let Some(file_len) = source.len() {
            let expected = header.len().checked_add(info.byte_len());
            if expected.is_none_or(|expected| file_len != expected as u64) {
                return Err(info.length_error(&name, file_len.saturating_sub(header.len() as u64)));
            }
        }
        Ok(info)
    }

    /// Bytes of all values.
    pub(super) fn byte_len(&self) -> usize {
        self.len * self.dtype.size()
    }

    pub(super) fn length_error(&self, name: &str, found: u64) -> InputError {
        InputError::new(
            name,
            Place::whole(),
            format!(
                "{} bytes of data for shape {} of {}",
                self.byte_len(),
                shape_text(&self.shape),
                self.dtype.name()
            ),
            format!("{found}{}", if found > self.byte_len() as u64 { " or more" } else { "" }),
        )
        .hint("the file was cut off or is not one array: save it again with numpy.save")
    }

    /// Reads the values' bytes: all of them, and nothing behind them.
    pub(super) fn read_body(&self, source: &mut Source) -> Result<Vec<u8>, InputError> {
        let bytes = source.read_at_most(self.byte_len() as u64 + 1)?;
        if bytes.len() == self.byte_len() {
            Ok(bytes)
        } else {
            Err(self.length_error(source.name(), bytes.len() as u64))
        }
    }

    /// The values as 32-bit integers, each thread reading some of them: fresh memory costs more than what is read
    /// into it. None, and nothing is read, where they are not the integers that NumPy makes, in C order, of a
    /// regular file; none as well where one is larger.
    pub(super) fn read_small(&self, source: &Source) -> Result<Option<Vec<i32>>, InputError> {
        let in_order = !self.fortran_order || self.shape.len() < 2;
        let usual = self.dtype == Dtype::Int(8) && !self.big_endian && in_order;
        let Some(file) = source.random_access().filter(|_| usual && self.byte_len() <= MAX_RESERVED) else {
            return Ok(None);
        };
        let (name, start) = (source.name(), source.position());
        let narrow = |raw: &mut Vec<u8>, (piece, small): (usize, &mut [i32])| {
            let offset = piece * NARROWED_AT_ONCE * size_of::<i64>();
            raw.resize(size_of_val(small) * 2, 0);
            let count = file.read_at(raw, start + offset as u64)?;
            if count < raw.len() {
                return Err(self.length_error(name, (offset + count) as u64));
            }
            let mut fits = true;
            for (small, &bytes) in small.iter_mut().zip(raw.as_chunks().0) {
                let value = i64::from_le_bytes(bytes);
                *small = value as i32;
                fits &= i64::from(*small) == value;
            }
            Ok(fits)
        };
        let mut small = vec![0; self.len];
        let pieces = small.par_chunks_mut(NARROWED_AT_ONCE).enumerate();
        let fits = pieces.map_init(Vec::new, narrow).try_reduce(|| true, |a, b| Ok(a & b))?;
        if file.read_at(&mut [0], start + self.byte_len() as u64)? > 0 {
            return Err(self.length_error(name, self.byte_len() as u64 + 1));
        }
        Ok(fits.then_some(small))
    }

    /// Appends the values of `bytes` in single precision; the dtype fits it.
    pub(super) fn decode_f32(&self, bytes: &[u8], out: &mut Vec<f32>) {
        match (self.dtype, self.big_endian) {
            (Dtype::F16, false) => decode_halves(bytes, f16::from_le_bytes, out),
            (Dtype::F16, true) => decode_halves(bytes, f16::from_be_bytes, out),
            (_, false) => out.extend(values(bytes).map(f32::from_le_bytes)),
            (_, true) => out.extend(values(bytes).map(f32::from_be_bytes)),
        }
    }

    /// Appends the values of `bytes` in double precision.
    pub(super) fn decode_f64(&self, bytes: &[u8], out: &mut Vec<f64>) {
        match (self.dtype, self.big_endian) {
            (Dtype::F64, false) => out.extend(values(bytes).map(f64::from_le_bytes)),
            (Dtype::F64, true) => out.extend(values(bytes).map(f64::from_be_bytes)),
            (Dtype::F16 | Dtype::F32, _) => {
                let mut single = Vec::new();
                self.decode_f32(bytes, &mut single);
                out.extend(single.into_iter().map(f64::from));
            }
            _ => self.for_each_integer(bytes, |value| out.push(value as f64)),
        }
    }

    /// Reads `len` values in single precision, which the dtype fits, into `out`; returns the number of bytes
    /// that `read` had for it, and leaves nothing usable where they are too few. `raw` is room to be used
    /// again.
    pub(super) fn fill_f32<E>(
        &self,
        len: usize,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
        raw: &mut Vec<u8>,
        out: &mut Vec<f32>,
    ) -> Result<usize, E> {
        if self.dtype == Dtype::F32 && self.is_native() {
            return fill_native(len, read, out);
        }
        self.fill(len, read, raw, out, Self::decode_f32)
    }

    /// The same in double precision.
    pub(super) fn fill_f64<E>(
        &self,
        len: usize,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
        raw: &mut Vec<u8>,
        out: &mut Vec<f64>,
    ) -> Result<usize, E> {
        if self.dtype == Dtype::F64 && self.is_native() {
            return fill_native(len, read, out);
        }
        self.fill(len, read, raw, out, Self::decode_f64)
    }

    /// Whether the values lie in the file as they do in memory, in single or double precision.
    pub(super) fn is_native_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::F64) && self.is_native()
    }

    fn is_native(&self) -> bool {
        self.big_endian == cfg!(target_endian = "big")
    }

    fn fill<T, E>(
        &self,
        len: usize,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
        raw: &mut Vec<u8>,
        out: &mut Vec<T>,
        decode: impl Fn(&Self, &[u8], &mut Vec<T>),
    ) -> Result<usize, E> {
        out.clear();
        raw.resize(READ_BYTES, 0);
        let bytes = len * self.dtype.size();
        let mut done = 0;
        while done < bytes {
            let piece = &mut raw[..(bytes - done).min(READ_BYTES)];
            let count = read(piece)?;
            done += count;
            if count < piece.len() {
                break;
            }
            decode(self, piece, out);
        }
        Ok(done)
    }

    /// The values of `bytes` as integers; none for each that is not one or too large.
    pub(super) fn integers(&self, bytes: &[u8]) -> Vec<Option<i64>> {
        (0..bytes.len() / self.dtype.size()).map(|at| self.integer_at(bytes, at)).collect()
    }

    /// Value `at` of `bytes` as an integer; none where it is not one or too large.
    pub(super) fn integer_at(&self, bytes: &[u8], at: usize) -> Option<i64> {
        let size = self.dtype.size();
        let value = &bytes[at * size..][..size];
        if let (Dtype::Int(8), false, Ok(bytes)) = (self.dtype, self.big_endian, value.try_into()) {
            return Some(i64::from_le_bytes(bytes));
        }
        let mut integer = None;
        if self.dtype.is_integer() {
            self.for_each_integer(value, |value| integer = i64::try_from(value).ok());
        }
        integer
    }

    fn for_each_integer(&self, bytes: &[u8], mut visit: impl FnMut(i128)) {
        let size = self.dtype.size();
        for value in bytes.chunks_exact(size) {
            let mut bits = 0_u64;
            for i in 0..size {
                let byte = if self.big_endian { value[i] } else { value[size - 1 - i] };
                bits = bits << 8 | u64::from(byte);
            }
            let unused = 64 - 8 * size as u32;
            visit(match self.dtype {
                Dtype::Int(_) => i128::from((bits << unused) as i64 >> unused),
                _ => i128::from(bits),
            });
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

/// Appends values of half precision in single precision: a few at a time, for which many processors have instructions.
fn decode_halves(bytes: &[u8], of_bytes: impl Fn([u8; 2]) -> f16, out: &mut Vec<f32>) {
    const AT_ONCE: usize = 256;
    let mut halves = [f16::ZERO; AT_ONCE];
    let start = out.len();
    out.resize(start + bytes.len() / 2, 0.0);
    for (bytes, out) in bytes.chunks(2 * AT_ONCE).zip(out[start..].chunks_mut(AT_ONCE)) {
        let halves = &mut halves[..out.len()];
        for (half, bytes) in halves.iter_mut().zip(values(bytes)) {
            *half = of_bytes(bytes);
        }
        halves.convert_to_f32_slice(out);
    }
}

/// The shape as NumPy writes it: `(3, 4)`, `(3,)`.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("({}{})", sizes.join(", "), if shape.len() == 1 { "," } else { "" })
}

/// The sizes of the axes that have more than one entry, or none.
pub(crate) fn wide_axes(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&size| size != 1).collect()
}

/// How to make an array `name` of shape `found` one of shape `wanted`, where nothing but axes of one entry differs.
pub(crate) fn reshape_hint(name: &str, found: &[usize], wanted: &[usize]) -> Option<String> {
    (wide_axes(found) == wide_axes(wanted)).then(|| {
        format!("an axis of one entry is too many or missing: {name}.reshape({})", shape_text(wanted))
    })
}

/// The header's parser descends into brackets, so their depth is bounded first.
fn check_nesting(header: &[u8]) -> Result<(), usize> {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in header {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_NESTING { Err(deepest) } else { Ok(()) }
}

/// Whether the sizes of a header's shape, zeros left out, have a product: its parser multiplies them unchecked.
fn sizes_can_be_multiplied(header: &[u8]) -> bool {
    let have_product = |text: &[u8]| {
        let shape = text.split(|&byte| byte == b')').next().unwrap_or_default();
        let sizes = shape.split(|byte| !byte.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let size = |digits: &[u8]| str::from_utf8(digits).ok()?.parse::<u64>().ok();
        let product = |product: u64, digits| product.checked_mul(size(digits)?.max(1));
        sizes.into_iter().try_fold(1, product).is_some()
    };
    let mut shapes = memchr::memmem::find_iter(header, b"'shape'").peekable();
    if shapes.peek().is_none() {
        // It is written otherwise, and may be anywhere.
        return have_product(header);
    }
    shapes.all(|at| have_product(&header[at..]))
}

/// How an array of a dtype that is not read can be saved so that it is.
fn hint(dtype: &DType) -> Option<&'static str> {
    match dtype {
        _ if dtype.uses_pickled_array() => Some(
            "object arrays hold Python code: save each array by itself with numpy.save(…, allow_pickle=False)",
        ),
        DType::Plain(plain) => match (plain.type_char(), plain.size_field()) {
            (TypeChar::RawData, 2) => {
                Some("bfloat16 has no type in this format: save x.astype('float32') instead")
            }
            (TypeChar::Float, _) => Some("save x.astype('float64') instead"),
            _ => None,
        },
        _ => None,
    }
}

fn dtype_of(dtype: &DType) -> Result<(Dtype, bool), String> {
    let DType::Plain(plain) = dtype else {
        return Err("a structured array".into());
    };
    let big_endian = plain.endianness() == Endianness::Big;
    let size = plain.size_field();
    let dtype = match (plain.type_char(), size) {
        (TypeChar::Float, 2) => Dtype::F16,
        (TypeChar::Float, 4) => Dtype::F32,
        (TypeChar::Float, 8) => Dtype::F64,
        (TypeChar::Int, 1 | 2 | 4 | 8) => Dtype::Int(size as u8),
        (TypeChar::Uint, 1 | 2 | 4 | 8) => Dtype::Uint(size as u8),
        (TypeChar::Bool, 1) => Dtype::Bool,
        (TypeChar::Object, _) => return Err("an object array".into()),
        (TypeChar::Complex, _) => return Err(format!("complex numbers ({plain})")),
        (TypeChar::RawData, _) => return Err(format!("raw bytes ({plain})")),
        (TypeChar::UnicodeStr | TypeChar::ByteStr, _) => return Err(format!("strings ({plain})")),
        (TypeChar::TimeDelta | TypeChar::DateTime, _) => return Err(format!("dates ({plain})")),
        _ => return Err(format!("type {plain}")),
    };
    Ok((dtype, big_endian))
}
