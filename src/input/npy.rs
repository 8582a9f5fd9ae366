//! The .npy format: header by `npyz`, size and content checked here.

mod values;

use std::io;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

pub(super) use self::values::Decoded;
pub(crate) use self::values::FloatValues;
use super::source::{CUT_OFF, MAGIC, Source};
use super::{InputError, Place};
use crate::shown::shown;

/// NumPy itself reads no longer header from a file that it does not trust.
const MAX_HEADER: usize = 10_000;
/// The deepest that brackets of a plain array's header nest is 2.
const MAX_NESTING: usize = 8;
/// As NumPy has them. Where rows lie in the file is computed axis by axis.
const MOST_AXES: usize = 64;

/// The type of a file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Signed integers with this number of bytes.
    Int(u8),
    /// Unsigned integers with this number of bytes.
    Uint(u8),
    /// Booleans of one byte.
    Bool,
}

impl Dtype {
    /// Number of bytes of one value.
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
            .map_err(|found| invalid("the header of a plain array", found))?;

        if !sizes_can_be_multiplied(&header[text_start..]) {
            let text = String::from_utf8_lossy(&header[text_start..]);
            let shape = text.split("'shape': ").nth(1).and_then(|rest| rest.split_inclusive(')').next());
            let found = shape.filter(|shape| shape.ends_with(')')).unwrap_or(&text);
            return Err(invalid("a shape that memory can hold", shown(found)));
        }

        let parsed = NpyHeader::from_reader(io::Cursor::new(&header)).map_err(|_| {
            let found = shown(&String::from_utf8_lossy(&header[text_start..]));
            invalid("a .npy header (a dictionary with 'descr', 'fortran_order' and 'shape')", found)
        })?;
        let (dtype, big_endian) = dtype_of(&parsed.dtype()).map_err(|found| {
            invalid("an array of float16, float32, float64 or integers", found)
                .maybe_hint(hint(&parsed.dtype()))
        })?;
        let axes = parsed.shape().len();
        if axes > MOST_AXES {
            return Err(invalid(&format!("at most {MOST_AXES} axes"), axes.to_string()));
        }
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
        .hint(if found > self.byte_len() as u64 {
            "there is more data after the array: save one array per file with numpy.save"
        } else {
            CUT_OFF
        })
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
        format!("an axis of size 1 is missing or superfluous: save {name}.reshape({})", shape_text(wanted))
    })
}

/// The header's parser descends into brackets, and tries each dictionary in several ways, the ones within it in each: so
/// the depth is bounded first, and there is one dictionary. Else what was found.
fn check_nesting(header: &[u8]) -> Result<(), String> {
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
    let dictionaries = memchr::memchr_iter(b'{', header).count();
    if deepest > MAX_NESTING {
        Err(format!("brackets nested {deepest} deep"))
    } else if dictionaries > 1 {
        Err(format!("{dictionaries} dictionaries"))
    } else {
        Ok(())
    }
}

/// Whether the sizes of a header's shape, zeros left out, have a product: its parser multiplies them unchecked.
fn sizes_can_be_multiplied(header: &[u8]) -> bool {
    // Python has other numbers than NumPy writes: 0x10, 0b11, 1_000.
    let is_other = |pair: &[u8]| match *pair {
        [b'0', letter] => b"xXbBoO".contains(&letter),
        [before, b'_'] => before.is_ascii_digit(),
        _ => false,
    };
    if header.windows(2).any(is_other) {
        return false;
    }
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
            "object arrays hold pickled Python objects: save each array by itself with numpy.save(…, allow_pickle=False)",
        ),
        DType::Plain(plain) => match (plain.type_char(), plain.size_field()) {
            (TypeChar::RawData, 2) => Some(
                "this format has no type for bfloat16: save (x.view('uint16').astype('uint32') << 16).view('float32')",
            ),
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
