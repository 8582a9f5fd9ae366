//! Arrays as .npy files of version 1.

use std::io::{self, Write};

use crate::input::{Dtype, shape_text};
use crate::report::gradient_file::Encoding;

/// Writes what is before the values: little-endian floats of `dtype`; single precision for half, whose range is too small
/// for gradients, and double for what is no float. Returns how they are to be written.
pub(crate) fn write_npy_header(
    out: &mut dyn Write,
    shape: &[usize],
    fortran_order: bool,
    dtype: Dtype,
) -> io::Result<Encoding> {
    let (descr, encoding) = match dtype {
        Dtype::F16 | Dtype::F32 => {
            ("<f4", Encoding { size: 4, encode: |x, to| encode(x, to, |x| (x as f32).to_le_bytes()) })
        }
        _ => ("<f8", Encoding { size: 8, encode: |x, to| encode(x, to, f64::to_le_bytes) }),
    };
    let order = if fortran_order { "True" } else { "False" };
    let dict = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {}, }}", shape_text(shape));
    // Ten bytes before it and a line's end behind: the values begin at a multiple of 64.
    let padded = (dict.len() + 11).next_multiple_of(64) - 11;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(padded as u16 + 1).to_le_bytes())?;
    writeln!(out, "{dict:padded$}")?;
    Ok(encoding)
}

fn encode<const N: usize>(numbers: &[f64], bytes: &mut [u8], to_bytes: impl Fn(f64) -> [u8; N]) {
    for (&x, bytes) in numbers.iter().zip(bytes.as_chunks_mut().0) {
        *bytes = to_bytes(x);
    }
}
