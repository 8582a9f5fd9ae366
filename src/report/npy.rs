//! Arrays as .npy files of version 1.

use std::io::{self, Write};

use half::f16;

use crate::input::{Dtype, shape_text};

/// Writes `values`, in the order of the file, as little-endian floats: of `dtype`, or double precision where that is
/// none of the floats.
pub(crate) fn write_npy(
    out: &mut dyn Write,
    values: &[f64],
    shape: &[usize],
    fortran_order: bool,
    dtype: Dtype,
) -> io::Result<()> {
    let descr = match dtype {
        Dtype::F16 => "<f2",
        Dtype::F32 => "<f4",
        _ => "<f8",
    };
    let order = if fortran_order { "True" } else { "False" };
    let dict = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {}, }}", shape_text(shape));
    // Ten bytes before it and a line's end behind: the values begin at a multiple of 64.
    let padded = (dict.len() + 11).next_multiple_of(64) - 11;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(padded as u16 + 1).to_le_bytes())?;
    writeln!(out, "{dict:padded$}")?;
    for &x in values {
        match dtype {
            Dtype::F16 => out.write_all(&f16::from_f64(x).to_le_bytes())?,
            Dtype::F32 => out.write_all(&(x as f32).to_le_bytes())?,
            _ => out.write_all(&x.to_le_bytes())?,
        }
    }
    Ok(())
}
