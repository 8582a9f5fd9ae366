//! A matrix file, which is read once, from front to back, in blocks of whole rows.

mod pieces;
mod whole_items;
mod window;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use self::pieces::{Cut, Pieces};
use self::window::{BYTES as WINDOW_BYTES, Window};
use super::csv::{self, CsvOptions};
use super::npy::{Decoded, FloatValues, NpyInfo};
use super::source::{MAX_RESERVED, Source};
use super::{Dtype, InputError, Place, display_name};
use crate::kernel::{Element, is_mapping_allowed, zeros};
use crate::logits::{
    AtOnce, Block, BlockReducer, BlockVisitor, Geometry, MAX_CLASSES, reduce_blocks, round_of,
};

/// Values that are read and handed out at a time, where a plane is not larger.
const BLOCK_VALUES: usize = 1 << 20;
/// Values that a thread reads and looks at at a time: what was read is still in its cache then.
const PIECE_VALUES: usize = 1 << 17;
/// As many pieces are made of a small file, of no fewer values: memory that is touched for the first time costs as
/// much as what is computed of it.
const MANY_PIECES: usize = 64;
const FEW_VALUES: usize = 1 << 14;

/// An opened matrix: its header was read, its values are still to be read.
pub struct Matrix {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
    csv: Option<CsvOptions>,
    /// Of the columns of a CSV file, where it has them.
    column_names: Vec<String>,
    body: Body,
}

/// What it is, without what it holds.
impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, shape, dtype, .. } = self;
        f.debug_struct("Matrix")
            .field("name", name)
            .field("shape", shape)
            .field("dtype", dtype)
            .finish_non_exhaustive()
    }
}

/// Why reading ended early.
#[derive(Debug, Error)]
pub enum ReadError<E> {
    /// The file can't be read or is malformed.
    #[error(transparent)]
    Input(InputError),
    /// The visitor refused a block.
    #[error(transparent)]
    Visit(E),
}

impl<E> From<InputError> for ReadError<E> {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl<E> ReadError<E> {
    /// What the visitor refused, as `refused` says it.
    pub(crate) fn or<F: From<InputError>>(self, refused: impl FnOnce(E) -> F) -> F {
        match self {
            Self::Input(error) => error.into(),
            Self::Visit(error) => refused(error),
        }
    }
}

impl From<ReadError<Infallible>> for InputError {
    fn from(error: ReadError<Infallible>) -> Self {
        error.or(|never| match never {})
    }
}

enum Body {
    Npy(Source, NpyInfo),
    /// Blocks of whole rows of a CSV file.
    Memory(Arc<Vec<Vec<f64>>>),
}

/// What a column of a CSV is, if no class.
pub(crate) enum OddColumn {
    /// The first: the rows' numbers, from 0 or 1 on.
    RowNumbers,
    /// The first or the last: whole numbers, beside scores that are none.
    WholeNumbers(usize),
}

impl Matrix {
    /// Opens `path` (`-` is standard input) and reads its header; a CSV file is read as a whole.
    ///
    /// # Errors
    /// If it can't be read, or is neither .npy nor CSV.
    pub fn open(path: &Path, options: CsvOptions) -> Result<Self, InputError> {
        Self::from_source(Source::open(path)?, options)
    }

    /// The same as [`Self::open`], from a source of which nothing was read yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_source(mut source: Source, options: CsvOptions) -> Result<Self, InputError> {
        let name = source.name().to_owned();
        if source.is_npy()? {
            let info = NpyInfo::read(&mut source)?;
            if info.dtype == Dtype::Bool {
                let error =
                    InputError::new(&name, Place::whole(), "an array of numbers", "an array of booleans");
                return Err(error.hint("if these are numbers, save x.astype('float32')"));
            }
            return Ok(Self {
                name,
                shape: info.shape.clone(),
                dtype: info.dtype,
                fortran_order: info.fortran_order,
                csv: None,
                column_names: Vec::new(),
                body: Body::Npy(source, info),
            });
        }
        if let Some((found, hint)) = source.foreign() {
            return Err(InputError::new(&name, Place::whole(), "a .npy or CSV file", found).hint(hint));
        }
        let table = csv::read(&mut source, options)?;
        Ok(Self {
            name,
            shape: vec![table.rows, table.columns],
            dtype: Dtype::F64,
            fortran_order: false,
            csv: Some(CsvOptions { delimiter: Some(table.delimiter), ..options }),
            column_names: table.names,
            body: Body::Memory(Arc::new(table.values)),
        })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The path that was given, `-` for standard input.
    pub fn path(&self) -> &str {
        &self.name
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the numbers; double precision for CSV.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The version of the .npy format, and whether values are big-endian; `None` for CSV.
    pub fn npy_details(&self) -> Option<(u8, bool)> {
        match &self.body {
            Body::Npy(_, info) => Some((info.version, info.big_endian)),
            Body::Memory(_) => None,
        }
    }

    /// A column of a CSV that is hardly a class's.
    pub(crate) fn odd_column(&self) -> Option<OddColumn> {
        const FEW_ROWS: usize = 4;
        let (Body::Memory(blocks), &[rows, columns]) = (&self.body, &self.shape[..]) else { return None };
        if rows < FEW_ROWS || columns < 2 || self.csv.is_none() {
            return None;
        }
        let values = |column| blocks.iter().flat_map(move |block| block.iter().skip(column).step_by(columns));
        let counts = |column| {
            let first = values(column).next().copied().filter(|&first| first == 0.0 || first == 1.0);
            first.is_some_and(|first| {
                values(column).zip(0..).all(|(&value, row)| value == first + f64::from(row))
            })
        };
        if counts(0) && !counts(1) {
            return Some(OddColumn::RowNumbers);
        }
        // Scores of a class that is the measure of the others may all be 0.
        let is_whole = |column| {
            let mut several = values(column).skip(1).zip(values(column));
            // Below 0, labels are what PyTorch leaves out, or what pads them.
            let is_label =
                |&value: &f64| (value >= 0.0 || value == -100.0 || value == -1.0) && value.fract() == 0.0;
            values(column).all(is_label) && several.any(|(a, b)| a != b)
        };
        let column = [columns - 1, 0].into_iter().find(|&column| is_whole(column))?;
        let mut others = (0..columns).filter(|&other| other != column);
        others
            .all(|other| values(other).any(|value| value.fract() != 0.0))
            .then_some(OddColumn::WholeNumbers(column))
    }

    /// The names of a CSV file's columns, where it has them.
    pub(crate) fn column_names(&self) -> &[String] {
        &self.column_names
    }

    /// How the CSV file is written, with the delimiter that was given or inferred; `None` for .npy.
    pub fn csv_options(&self) -> Option<CsvOptions> {
        self.csv
    }

    /// Whether the file is in Fortran order: the first axis varies fastest.
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Whether [`Self::again`] takes no memory: of a regular file, or what is in memory already.
    pub(crate) fn can_be_read_again(&self) -> bool {
        match &self.body {
            Body::Npy(source, _) => source.random_access().is_some(),
            Body::Memory(_) => true,
        }
    }

    /// Whether the values are used where they lie in memory (a mapped file, or CSV), even if only a part of them at a
    /// time.
    pub fn is_in_memory(&self) -> bool {
        match &self.body {
            Body::Npy(source, info) => {
                is_mapping_allowed() && source.random_access().is_some() && info.is_native_float()
            }
            Body::Memory(_) => true,
        }
    }

    /// All values, the last axis the fastest, where they are if that can be, else in memory.
    ///
    /// # Errors
    /// Where the file ends early or goes on too long.
    pub(crate) fn into_floats(mut self) -> Result<FloatValues, InputError> {
        if let Body::Npy(source, info) = &mut self.body
            && let Some(values) = info.floats_in_order(source)?
        {
            return Ok(values);
        }
        self.into_values().map(FloatValues::Doubles)
    }

    /// Reads all values into memory as doubles, in C order (the last axis varies fastest).
    ///
    /// # Errors
    /// Where the file ends early or goes on too long.
    pub fn into_values(mut self) -> Result<Vec<f64>, InputError> {
        let mut shape = self.shape.clone();
        if let Body::Npy(source, info) = &mut self.body {
            if let Some(values) = info.read_in_order(source)? {
                return Ok(values);
            }
            if shape.contains(&0) {
                info.check_end(source, source.position())?;
            }
        }
        if shape.contains(&0) {
            return Ok(Vec::new());
        }
        // Rows along the last axis, but of one value each where that is longer than a row may be.
        if shape.last().is_none_or(|&size| size > MAX_CLASSES) {
            shape.push(1);
        }
        let geometry = Geometry::along(&shape, self.fortran_order, shape.len() - 1).map_err(|error| {
            InputError::new(&self.name, Place::whole(), "a shape that memory can hold", error.to_string())
        })?;
        let mut collector = Collector { values: Vec::new(), geometry: &geometry };
        self.read(&geometry, &mut collector)?;
        Ok(collector.values)
    }

    /// Opens the same matrix once more; none of its values may have been read yet. Anything but a regular file is read
    /// into memory.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn again(&mut self) -> Result<Self, InputError> {
        let body = match &mut self.body {
            // One byte more tells a file that goes on too long.
            Body::Npy(source, info) => {
                Body::Npy(source.again((info.byte_len() as u64).saturating_add(1))?, info.clone())
            }
            Body::Memory(values) => Body::Memory(values.clone()),
        };
        let (name, shape, column_names) = (self.name.clone(), self.shape.clone(), self.column_names.clone());
        Ok(Self {
            name,
            shape,
            dtype: self.dtype,
            fortran_order: self.fortran_order,
            csv: self.csv,
            column_names,
            body,
        })
    }

    fn check(&self, geometry: &Geometry) {
        let values: usize = self.shape.iter().product();
        assert_eq!(geometry.planes() * geometry.plane_len(), values, "a geometry of this matrix");
    }

    /// Reads the values and passes them to `visitor` in blocks of whole rows.
    ///
    /// The file is mapped into memory where [`allow_mapping`](crate::kernel::allow_mapping) was called and that is faster.
    ///
    /// # Errors
    /// If the file is too short or too long for its shape, and whatever `visitor` returns.
    ///
    /// # Panics
    /// If `geometry` is for another number of values.
    pub fn read<V: BlockVisitor>(
        self,
        geometry: &Geometry,
        visitor: &mut V,
    ) -> Result<(), ReadError<V::Error>> {
        self.check(geometry);
        match self.body {
            Body::Memory(values) => visit_all(&values, geometry, visitor).map_err(ReadError::Visit),
            Body::Npy(source, info) if info.dtype.fits_f32() => {
                read_npy::<f32, _>(source, &info, geometry, visitor)
            }
            Body::Npy(source, info) => read_npy::<f64, _>(source, &info, geometry, visitor),
        }
    }

    /// Reads the values and has `reducer` look at them in blocks of whole rows, as many at a time as there are
    /// threads; each thread reads what it looks at. The result has the same bytes with any number of threads.
    /// Nothing may write to the file meanwhile: see [`Self::read`].
    ///
    /// # Errors
    /// If the file is too short or too long for its shape, and whatever `reducer` returns.
    ///
    /// # Panics
    /// If `geometry` is for another number of values.
    pub fn reduce<R: BlockReducer>(
        self,
        geometry: &Geometry,
        reducer: &mut R,
    ) -> Result<(), ReadError<R::Error>> {
        self.check(geometry);
        match self.body {
            Body::Memory(values) => {
                reduce_blocks(&planes_of(&values, geometry), geometry, reducer).map_err(ReadError::Visit)
            }
            Body::Npy(source, info) if info.dtype.fits_f32() => {
                reduce_npy::<f32, _>(source, &info, geometry, reducer)
            }
            Body::Npy(source, info) => reduce_npy::<f64, _>(source, &info, geometry, reducer),
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

/// A table's blocks, cut into planes: there is more than one row in a plane only where its classes are not the
/// columns, and then the blocks are joined.
fn planes_of<'a>(values: &'a [Vec<f64>], geometry: &Geometry) -> Cow<'a, [Vec<f64>]> {
    if values.iter().all(|block| block.len().is_multiple_of(geometry.plane_len().max(1))) {
        values.into()
    } else {
        vec![values.concat()].into()
    }
}

fn visit_all<V: BlockVisitor>(
    values: &[Vec<f64>],
    geometry: &Geometry,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let mut plane = 0;
    for values in &*planes_of(values, geometry) {
        visitor.visit(Block::new(values, geometry, plane))?;
        plane += values.len() / geometry.plane_len().max(1);
    }
    Ok(())
}

fn read_npy<E: Decoded, V: BlockVisitor>(
    mut source: Source,
    info: &NpyInfo,
    geometry: &Geometry,
    visitor: &mut V,
) -> Result<(), ReadError<V::Error>> {
    let (mut raw, mut read) = (Vec::new(), Vec::<E>::new());
    let start = source.position();
    let mut window = Window::new(info, start);
    let size = size_of::<E>();
    let little = Cut::new(geometry, BLOCK_VALUES);
    let wanted = match visitor.at_once() {
        AtOnce::Much { run } => Cut::new(geometry, WINDOW_BYTES / size).into_runs_of(run),
        AtOnce::All => Cut::new(geometry, info.len),
        AtOnce::Little => little,
    };
    let fits = source.random_access().is_some() && wanted.len(0) <= MAX_RESERVED / size;
    let cut = if fits { wanted } else { little };
    for block in 0..cut.blocks() {
        if let Some(file) = source.random_access() {
            window.cover(file, cut.values(block));
        }
        let values = if let Some(values) = window.values(cut.values(block)) {
            values
        } else if let Some(file) = source.random_access() {
            if read.len() < cut.len(block) {
                // Memory that is touched by whoever fills it.
                read = zeros(cut.len(block));
            }
            read.truncate(cut.len(block));
            window.fill(info, file, cut.values(block), &mut read)?;
            &read
        } else {
            let count =
                info.fill(cut.len(block), &mut |bytes| source.read_up_to(bytes), &mut raw, &mut read)?;
            if count < cut.len(block) * info.dtype.size() {
                let found = cut.offset(block) * info.dtype.size() + count;
                return Err(info.length_error(source.name(), found as u64).into());
            }
            &read
        };
        visitor.visit(Block::new(values, geometry, cut.first_plane(block))).map_err(ReadError::Visit)?;
    }
    Ok(info.check_end(&mut source, start)?)
}

fn rounds(blocks: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..blocks).step_by(step).map(move |first| first..(first + step).min(blocks))
}

fn reduce_npy<E: Decoded, R: BlockReducer>(
    mut source: Source,
    info: &NpyInfo,
    geometry: &Geometry,
    reducer: &mut R,
) -> Result<(), ReadError<R::Error>> {
    let values = geometry.planes().saturating_mul(geometry.plane_len());
    let cut = Cut::new(geometry, (values / MANY_PIECES).clamp(FEW_VALUES, PIECE_VALUES));
    let name = source.name().to_owned();
    let start = source.position();
    let mut pieces = Pieces::new(info, cut, start);
    if let Some(file) = source.random_access() {
        pieces.read_where_faster(file);
    }
    let rows = cut.len(0) / geometry.classes();
    let at_once = round_of(reducer, rows).min(pieces.most_at_once());
    for round in rounds(cut.blocks(), at_once) {
        let look =
            |piece: usize, values: &[E]| reducer.look(Block::new(values, geometry, cut.first_plane(piece)));
        let parts = match source.random_access() {
            Some(file) => pieces.of_file(file, &name, round, look),
            None => pieces.of_stream(&mut source, &name, round, look),
        };
        for part in parts {
            reducer.take(part?).map_err(ReadError::Visit)?;
        }
        reducer.end_round();
    }
    Ok(info.check_end(&mut source, start)?)
}
