//! A matrix file, read once from front to back in blocks of whole rows.

use std::convert::Infallible;
use std::path::Path;

use super::csv::{self, CsvOptions};
use super::npy::NpyInfo;
use super::source::Source;
use super::{Dtype, InputError, Place};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry};

/// Values that are read and computed on at a time, where a plane is not larger.
const BLOCK_VALUES: usize = 1 << 20;
/// Bytes that are decoded at a time: what was read is still in the cache then.
const READ_BYTES: usize = 1 << 17;

/// An opened matrix: what it is, and its values still to be read.
pub struct Matrix {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
    body: Body,
}

/// Why reading ended early.
#[derive(Debug)]
pub enum ReadError<E> {
    /// The file is at fault.
    Input(InputError),
    /// The visitor refused a block.
    Visit(E),
}

impl<E> From<InputError> for ReadError<E> {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

enum Body {
    Npy(Source, NpyInfo),
    Csv(Vec<f64>),
}

impl Matrix {
    /// Opens `path` (`-` is standard input) and reads its header; a CSV file is read whole.
    ///
    /// # Errors
    /// Where it can't be read or is neither format.
    pub fn open(path: &Path, options: CsvOptions) -> Result<Self, InputError> {
        Self::from_source(Source::open(path)?, options)
    }

    pub(super) fn from_source(mut source: Source, options: CsvOptions) -> Result<Self, InputError> {
        let name = source.name().to_owned();
        if source.is_npy()? {
            let info = NpyInfo::read(&mut source)?;
            return Ok(Self {
                name,
                shape: info.shape.clone(),
                dtype: info.dtype,
                fortran_order: info.fortran_order,
                body: Body::Npy(source, info),
            });
        }
        let bytes = source.read_rest()?;
        if bytes.is_empty() {
            return Err(InputError::new(&name, Place::whole(), "a .npy or CSV file", "no bytes"));
        }
        let table = csv::parse(&name, &bytes, options)?;
        Ok(Self {
            name,
            shape: vec![table.rows, table.columns],
            dtype: Dtype::F64,
            fortran_order: false,
            body: Body::Csv(table.values),
        })
    }

    /// What the user called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What the numbers are made of; double precision for CSV.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Version of the .npy format and whether values are big-endian; none for CSV.
    pub fn npy_details(&self) -> Option<(u8, bool)> {
        match &self.body {
            Body::Npy(_, info) => Some((info.version, info.big_endian)),
            Body::Csv(_) => None,
        }
    }

    /// Whether the first axis is the fastest in memory.
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Reads all values into memory as doubles, the last axis the fastest.
    ///
    /// # Errors
    /// Where the file ends early or goes on too long.
    pub fn into_values(self) -> Result<Vec<f64>, InputError> {
        // A row along the last axis; a single number is a row of one.
        let shape = if self.shape.is_empty() { vec![1] } else { self.shape.clone() };
        if shape.contains(&0) {
            return Ok(Vec::new());
        }
        let axis = shape.len() - 1;
        let rows: Vec<usize> = (0..axis).collect();
        let geometry = Geometry::new(&shape, self.fortran_order, axis, &rows).map_err(|error| {
            InputError::new(&self.name, Place::whole(), "a shape that memory can hold", error.to_string())
        })?;
        let mut collector = Collector { values: Vec::new(), geometry: &geometry };
        match self.read(&geometry, &mut collector) {
            Ok(()) => Ok(collector.values),
            Err(ReadError::Input(error)) => Err(error),
            Err(ReadError::Visit(never)) => match never {},
        }
    }

    /// The same matrix with its values in memory, and a copy of them, the last axis the fastest.
    ///
    /// # Errors
    /// Where the file ends early or goes on too long.
    pub fn load(self) -> Result<(Self, Vec<f64>), InputError> {
        let (name, shape, dtype) = (self.name.clone(), self.shape.clone(), self.dtype);
        let values = self.into_values()?;
        let body = Body::Csv(values.clone());
        Ok((Self { name, shape, dtype, fortran_order: false, body }, values))
    }

    /// Reads the values and hands them out in blocks of whole rows.
    ///
    /// # Errors
    /// Where the file ends early or goes on too long, and whatever `visitor` returns.
    pub fn read<V: BlockVisitor>(
        self,
        geometry: &Geometry,
        visitor: &mut V,
    ) -> Result<(), ReadError<V::Error>> {
        match self.body {
            Body::Csv(values) => visit_all(&values, geometry, visitor).map_err(ReadError::Visit),
            Body::Npy(source, info) if info.dtype.fits_f32() => {
                read_npy(source, &info, geometry, visitor, NpyInfo::decode_f32)
            }
            Body::Npy(source, info) => read_npy(source, &info, geometry, visitor, NpyInfo::decode_f64),
        }
    }
}

/// Puts each row where it belongs.
struct Collector<'a> {
    values: Vec<f64>,
    geometry: &'a Geometry,
}

impl BlockVisitor for Collector<'_> {
    type Error = Infallible;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Infallible> {
        let classes = self.geometry.classes();
        block.for_each_row(0..block.rows(), |row, values| {
            let start = self.geometry.logical_row(block.first_row() + row) * classes;
            if self.values.len() < start + classes {
                self.values.resize(start + classes, 0.0);
            }
            for (out, x) in self.values[start..].iter_mut().zip(values) {
                *out = x.to_f64();
            }
        });
        Ok(())
    }
}

fn visit_all<E: Element, V: BlockVisitor>(
    values: &[E],
    geometry: &Geometry,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let planes = planes_per_block(geometry);
    for (number, block) in values.chunks((planes * geometry.plane_len()).max(1)).enumerate() {
        visitor.visit(Block::new(block, geometry, number * planes))?;
    }
    Ok(())
}

fn planes_per_block(geometry: &Geometry) -> usize {
    (BLOCK_VALUES / geometry.plane_len().max(1)).max(1)
}

fn read_npy<E: Element, V: BlockVisitor>(
    mut source: Source,
    info: &NpyInfo,
    geometry: &Geometry,
    visitor: &mut V,
    decode: fn(&NpyInfo, &[u8], &mut Vec<E>),
) -> Result<(), ReadError<V::Error>> {
    let mut raw = vec![0; READ_BYTES];
    let mut values: Vec<E> = Vec::new();
    let mut read = 0_usize;
    let mut plane = 0;
    while plane < geometry.planes() && geometry.plane_len() > 0 {
        let planes = planes_per_block(geometry).min(geometry.planes() - plane);
        let mut left = planes * geometry.plane_len() * info.dtype.size();
        values.clear();
        while left > 0 {
            let piece = &mut raw[..left.min(READ_BYTES)];
            let count = source.read_up_to(piece)?;
            read += count;
            if count < piece.len() {
                return Err(info.length_error(source.name(), read as u64).into());
            }
            decode(info, piece, &mut values);
            left -= count;
        }
        visitor.visit(Block::new(&values, geometry, plane)).map_err(ReadError::Visit)?;
        plane += planes;
    }
    if source.read_up_to(&mut raw[..1])? > 0 {
        return Err(info.length_error(source.name(), read as u64 + 1).into());
    }
    Ok(())
}
