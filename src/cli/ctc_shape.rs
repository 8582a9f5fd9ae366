//! How the axes of a CTC input lie.

use std::path::Path;
use std::sync::Arc;

use super::diagnostics::UsageError;
use super::inputs::{
    LogitsArgs, bad_shape, column_names_warning, found_shape, matrix_params, optional_integers,
};
use super::other_axis::with_classes_last;
use super::values::{Layout, Word};
use crate::input::{
    Alphabet, AlphabetFile, InputError, LabelFile, List, Matrix, Place, counted, empty_end, is_class,
    shape_text, wide_axes,
};
use crate::logits::{Geometry, Items, ItemsError};
use crate::report::ctc_input::CtcInputParams;
use crate::report::{ItemId, Warning};

/// The most items: each takes memory for its result.
const MAX_ITEMS: usize = 1 << 20;
/// The most where they have no frames, for a header can claim any number of such.
const MAX_EMPTY_ITEMS: usize = 1 << 16;

/// How a CTC input's axes lie.
pub(super) struct CtcShape {
    pub(super) layout: Layout,
    pub(super) layout_inferred: bool,
    pub(super) items: usize,
    pub(super) frames: usize,
    pub(super) classes: usize,
    pub(super) geometry: Geometry,
    /// What a table's columns are called, where they have names.
    column_names: Vec<String>,
}

impl CtcShape {
    /// References are one line per item.
    pub(super) fn check_references(&self, path: &Path, references: &[String]) -> Result<(), InputError> {
        if references.len() == self.items {
            return Ok(());
        }
        let expected = format!("{}, one per item", counted(self.items, "line"));
        let name = path.display().to_string();
        let error = InputError::new(&name, Place::whole(), expected, references.len().to_string())
            .maybe_hint(empty_end(references.iter().map(String::as_str), self.items));
        Err(self.with_layout_hint(error, Some(references.len())))
    }

    /// An error about a number of things that is not that of the items, with a hint where it would be in the other
    /// layout.
    pub(super) fn with_layout_hint(&self, error: InputError, found: Option<usize>) -> InputError {
        let Self { layout, items, frames, classes, .. } = *self;
        let (axis, shape, other) = match layout {
            Layout::Tc => return error,
            Layout::Tnc => (1, [frames, items, classes], Layout::Ntc),
            Layout::Ntc => (0, [items, frames, classes], Layout::Tnc),
        };
        if found != Some(frames) || frames == items {
            return error;
        }
        let (shape, layout, other) = (shape_text(&shape), layout.word(), other.word());
        error.hint(format!(
            "in layout {layout} the items are axis {axis} of shape {shape}, which has {items}; for {frames} items, give \
             --layout {other}"
        ))
    }

    /// An error about a label that is no class, with a hint where the labels are about as many as the frames' axis is long.
    pub(super) fn with_class_axis_hint(&self, error: InputError, labels: &LabelFile) -> InputError {
        let most = labels.integers().and_then(|labels| labels.into_iter().max()).unwrap_or_default();
        let fits = !is_class(most, self.classes) && is_class(most, self.frames);
        if error.get_hint().is_some() || !fits || 2 * (most as usize + 1) <= self.frames {
            return error;
        }
        let (axes, axis) = match self.layout {
            Layout::Tc => (2, 0),
            Layout::Tnc => (3, 0),
            Layout::Ntc => (3, 1),
        };
        error.hint(format!(
            "if the classes are on axis {axis}, which has {} entries, they must be the last axis: {}",
            self.frames,
            with_classes_last(axes, axis)
        ))
    }

    /// The alphabet of these classes; where it has as many entries as there are frames, the error says that.
    pub(super) fn alphabet(&self, file: AlphabetFile, blank: u32) -> Result<Alphabet, InputError> {
        let entries = file.len();
        Alphabet::new(file, self.classes, blank).map_err(|error| {
            let fits = |axis: usize| entries > 1 && (entries..=entries + 1).contains(&axis);
            if !fits(self.frames) || fits(self.classes) {
                return error;
            }
            let axis = usize::from(self.layout == Layout::Ntc);
            error.hint(format!(
                "axis {axis} has {} entries, but the classes must be the last axis: numpy.moveaxis(x, {axis}, -1)",
                self.frames
            ))
        })
    }

    /// A table whose columns have the names of the alphabet's classes, in another order.
    pub(super) fn column_names_warning(&self, alphabet: &Alphabet) -> Option<Warning> {
        column_names_warning(&self.column_names, alphabet.name(), alphabet.tokens())
    }

    /// What a result says of the input.
    pub(super) fn params(
        &self,
        matrix: &Matrix,
        logits: &LogitsArgs,
        blank: u32,
        alphabet: Option<&Path>,
    ) -> CtcInputParams {
        CtcInputParams {
            matrix: matrix_params(matrix),
            input: logits.input.word(),
            layout: self.layout.word(),
            layout_inferred: self.layout_inferred,
            classes: self.classes,
            blank,
            alphabet: alphabet.map(|path| path.display().to_string()),
            lengths: logits.lengths.clone(),
        }
    }

    /// The shape and the frames in use of each item, of which labels may tell how many there are.
    pub(super) fn of_labels(
        matrix: &Matrix,
        logits: &LogitsArgs,
        labels: &LabelFile,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<(Self, Vec<usize>)> {
        check_joined(labels, label_lengths, matrix.shape(), logits.layout)?;
        let count = label_lengths.map(|lengths| lengths.len());
        let counted_by = match label_lengths {
            Some(lengths) if labels.is_joined() => lengths.name(),
            _ => labels.name(),
        };
        let counted = labels.sequences(count).or(count).map(|count| (counted_by, count));
        Self::with_frames_in_use(matrix, logits, counted, |items| labels.empty_end(items))
    }

    /// The shape and the frames in use of each item; `other` tells of items as well as `--lengths`: a file and its number.
    /// `empty_end` knows how to go on where that file has more lines than so many items, and the last are empty.
    pub(super) fn with_frames_in_use(
        matrix: &Matrix,
        logits: &LogitsArgs,
        other: Option<(&str, usize)>,
        empty_end: impl Fn(usize) -> Option<&'static str>,
    ) -> anyhow::Result<(Self, Vec<usize>)> {
        let given = optional_integers("--lengths", logits.lengths.as_deref())?;
        let shape = Self::of(matrix, logits.layout, given.as_ref(), other).map_err(|error| {
            let hint = || matrix.shape().iter().take(2).find_map(|&items| empty_end(items));
            match error.downcast::<InputError>() {
                Ok(error) => error.maybe_hint(hint()).into(),
                Err(error) => error,
            }
        })?;
        let lengths = shape.lengths(given.as_ref())?;
        Ok((shape, lengths))
    }

    /// What an item is called.
    pub(super) fn id(&self, input: &Arc<str>, index: usize) -> ItemId {
        ItemId { input: input.clone(), index: self.is_batch().then_some(index) }
    }

    /// Resolves the layout. `lengths` speak of so many items, else as many as `other` has: a file and its number.
    pub(super) fn of(
        matrix: &Matrix,
        asked: Option<Layout>,
        lengths: Option<&List<i64>>,
        other: Option<(&str, usize)>,
    ) -> anyhow::Result<Self> {
        let by = lengths.map(|lengths| (lengths.name(), lengths.len())).or(other);
        Self::new(matrix, asked, by).map_err(|error| match (lengths, other) {
            // Which of the two is wrong, no axis says.
            (Some(lengths), Some((file, count)))
                if asked.is_none() && matrix.shape().len() == 3 && count != lengths.len() =>
            {
                let expected = format!("{}, as many as {file} has items", counted(count, "length"));
                InputError::new(lengths.name(), Place::whole(), expected, lengths.len().to_string()).into()
            }
            _ => error,
        })
    }

    /// Resolves the layout; `by` is what tells of items, and how many it has.
    pub(super) fn new(
        matrix: &Matrix,
        asked: Option<Layout>,
        by: Option<(&str, usize)>,
    ) -> anyhow::Result<Self> {
        let shape = matrix.shape();
        let wrong =
            |expected: &str| InputError::new(matrix.name(), Place::whole(), expected, found_shape(matrix));
        let (layout, layout_inferred) = match (shape.len(), asked) {
            (2, None | Some(Layout::Tc)) => (Layout::Tc, false),
            (3, Some(layout @ (Layout::Tnc | Layout::Ntc))) => (layout, false),
            (3, None) => (infer_layout(matrix, by)?, true),
            (2, Some(layout)) => {
                return Err(wrong(&format!("three axes for --layout {}", layout.word())).into());
            }
            (3, Some(Layout::Tc)) => {
                return Err(wrong("two axes for --layout tc").hint("give --layout tnc or ntc").into());
            }
            _ => {
                let wide = wide_axes(shape);
                let reshaped = shape_text(&wide);
                let hint = (shape.len() > 3 && (2..=3).contains(&wide.len()))
                    .then(|| format!("drop the axes of size 1: x.reshape({reshaped})"));
                return Err(wrong("a CTC input of 2 or 3 axes").maybe_hint(hint).into());
            }
        };
        let (items, frames) = match layout {
            Layout::Tc => (1, shape[0]),
            Layout::Tnc => (shape[1], shape[0]),
            Layout::Ntc => (shape[0], shape[1]),
        };
        let (most, without) =
            if frames == 0 { (MAX_EMPTY_ITEMS, " without frames") } else { (MAX_ITEMS, "") };
        if items > most {
            return Err(wrong(&format!("at most {most} items{without}")).into());
        }
        let class_axis = shape.len() - 1;
        let geometry = Geometry::new(shape, matrix.fortran_order(), class_axis, layout.row_axes())
            .map_err(|error| bad_shape(matrix, &error))?;
        let column_names = matrix.column_names().to_vec();
        let classes = shape[class_axis];
        Ok(Self { layout, layout_inferred, items, frames, classes, geometry, column_names })
    }

    /// Whether the input is a batch, so that items are named by their index.
    pub(super) fn is_batch(&self) -> bool {
        self.layout != Layout::Tc
    }

    /// Where a row lies, by its number.
    pub(super) fn place(&self, row: usize) -> Place {
        let place = Place::whole();
        let place = if self.is_batch() { place.at("item", row / self.frames) } else { place };
        place.at("frame", row % self.frames)
    }

    /// The same items with so many frames in use.
    pub(super) fn with_lengths(&self, lengths: &[usize]) -> Result<Items, ItemsError> {
        Items::new(self.geometry.clone(), self.frames, lengths.to_vec())
    }

    /// The frames in use of each item.
    pub(super) fn lengths(&self, given: Option<&List<i64>>) -> Result<Vec<usize>, InputError> {
        let Some(given) = given else { return Ok(vec![self.frames; self.items]) };
        if given.len() != self.items {
            let expected = format!("{}, one per item", counted(self.items, "length"));
            let error = InputError::new(given.name(), Place::whole(), expected, given.len().to_string());
            return Err(self.with_layout_hint(error, Some(given.len())));
        }
        let check = |(item, &length): (usize, &i64)| {
            usize::try_from(length).ok().filter(|&length| length <= self.frames).ok_or_else(|| {
                let expected = format!("a length from 0 to {}, the number of frames", self.frames);
                let error = InputError::new(given.name(), given.place(item), expected, length.to_string());
                let longest = given.iter().copied().max().unwrap_or_default();
                let exchanged = given.iter().all(|&length| (0..=self.classes as i64).contains(&length));
                let of_input = longest >= 2 * self.frames as i64 && self.frames > 0;
                error.maybe_hint(match () {
                    () if exchanged => Some(format!(
                        "the last axis, the classes, has {}: are frames and classes swapped?",
                        self.classes
                    )),
                    () if of_input => Some(format!(
                        "the longest is {longest}: if these are lengths of the network's input, divide them by its \
                         downsampling factor, about {}",
                        longest.cast_unsigned().div_ceil(self.frames as u64)
                    )),
                    () => None,
                })
            })
        };
        given.iter().enumerate().map(check).collect()
    }
}

fn infer_layout(matrix: &Matrix, by: Option<(&str, usize)>) -> anyhow::Result<Layout> {
    let shape = matrix.shape();
    match by.map(|(_, items)| (shape[0] == items, shape[1] == items)) {
        Some((true, false)) => Ok(Layout::Ntc),
        Some((false, true)) => Ok(Layout::Tnc),
        matches => {
            if let (Some((false, false)), Some((name, items))) = (matches, by) {
                let [first, second] = [0, 1].map(|axis| shape[axis]);
                let items_of = if first == second {
                    counted(first, "item")
                } else {
                    format!("{first} or {second} items")
                };
                let expected = format!("{items_of}, the size of axis 0 or 1 of shape {}", shape_text(shape));
                return Err(InputError::new(name, Place::whole(), expected, items.to_string()).into());
            }
            let entries = |count| counted(count, "entry");
            let reason = match (matches, by) {
                (Some((true, _)), Some((_, items))) => {
                    format!("both of the first two axes have {}", entries(items))
                }
                _ => "nothing says which axis is the batch".to_owned(),
            };
            let name = matrix.name();
            let one_item =
                |layout, frames| format!("--layout {layout} is one item of {}", counted(frames, "frame"));
            let hint = match (by, shape) {
                (None, &[frames, 1, _]) if frames > 1 => one_item("tnc", frames),
                (None, &[1, frames, _]) if frames > 1 => one_item("ntc", frames),
                _ => "give --layout tnc (time, item, class) or --layout ntc (item, time, class)".to_owned(),
            };
            Err(UsageError::new(format!(
                "{name}: the layout of shape {} can't be inferred: {reason}",
                shape_text(shape)
            ))
            .hint(hint)
            .into())
        }
    }
}

/// Joined labels of a batch need their lengths before its layout can be told.
fn check_joined(
    labels: &LabelFile,
    label_lengths: Option<&List<i64>>,
    shape: &[usize],
    layout: Option<Layout>,
) -> Result<(), UsageError> {
    let batch = matches!(*shape, [first, second, _] if first != 1 && second != 1);
    if label_lengths.is_some() || layout.is_some() || !batch || !labels.is_joined() {
        return Ok(());
    }
    let message =
        format!("{}: {} do not show where each item of a batch ends", labels.name(), labels.describe());
    Err(UsageError::new(message).hint("joined labels need --label-lengths FILE|N,N,…"))
}
