//! Which of the two losses is meant, told from the shapes.

use super::super::diagnostics::UsageError;
use super::super::inputs::found_shape;
use super::super::values::Criterion;
use super::Args;
use crate::input::{AlphabetFile, LabelFile, Matrix, are_next_tokens, counted, shape_text};

impl Args {
    /// Which loss: as asked, else as other options imply, else the one that fits the shapes.
    pub(super) fn criterion(
        &self,
        matrix: &Matrix,
        labels: &LabelFile,
        alphabet: Option<&AlphabetFile>,
    ) -> anyhow::Result<Criterion> {
        if let Some(criterion) = self.settings.criterion {
            return Ok(criterion);
        }
        if let Some((criterion, _)) = self.implied() {
            return Ok(criterion);
        }
        let shape = matrix.shape();
        if let Some(alphabet) = alphabet {
            let named = names_fit(shape, self.class_axis(shape), labels, alphabet);
            return Ok(if named { Criterion::CrossEntropy } else { Criterion::Ctc });
        }
        match criteria_that_fit(shape, self.class_axis(shape), labels) {
            (true, false) => Ok(Criterion::CrossEntropy),
            (false, true) => Ok(Criterion::Ctc),
            (both, _) => Err(UsageError::new(format!(
                "{}: {} with {} ({}) fits {} cross-entropy {} CTC",
                matrix.name(),
                found_shape(matrix),
                labels.name(),
                labels.describe(),
                if both { "both" } else { "neither" },
                if both { "and" } else { "nor" },
            ))
            .hint(if both {
                "give --criterion ctc or --criterion cross-entropy".to_owned()
            } else {
                labels_wanted(shape, self.class_axis(shape), labels)
            })
            .into()),
        }
    }
}

impl Args {
    /// Which loss other options imply, and the first of them.
    fn implied(&self) -> Option<(Criterion, &'static str)> {
        let ctc = self.ctc_option().map(|option| (Criterion::Ctc, option));
        ctc.or_else(|| self.cross_entropy_option().map(|option| (Criterion::CrossEntropy, option)))
    }

    /// What to say where nobody asked for a loss or an axis of classes, and the labels have the shape of the matrix
    /// without its last axis, as classes of each row, but not without the axis that cross-entropy takes.
    pub(super) fn classes_last(&self, shape: &[usize], labels: &LabelFile) -> Option<String> {
        let asked = self.settings.class_axis.is_some() || self.settings.criterion == Some(Criterion::Ctc);
        let named = self.alphabet.names.alphabet.is_some();
        if asked || self.ctc_option().is_some() || named && !labels.are_names() {
            return None;
        }
        Some(match classes_last(shape, labels) {
            Some(why) => format!("{why}, give {CLASSES_LAST}"),
            None => format!("{}, save labels.T and give {CLASSES_LAST}", transposed_labels(shape, labels)?),
        })
    }

    /// How to go on where an option implied a loss that the labels do not fit, but the other.
    pub(super) fn misleading_option(&self, matrix: &Matrix, labels: &LabelFile) -> Option<String> {
        let (criterion, option) = self.implied().filter(|_| self.settings.criterion.is_none())?;
        let shape = matrix.shape();
        let (cross_entropy, ctc) = criteria_that_fit(shape, self.class_axis(shape), labels);
        // Words are no classes.
        let named = self.alphabet.names.alphabet.is_some();
        let words = !named && labels.is_text() && labels.integers().is_none() && !labels.fits_probs(shape);
        let cross_entropy = cross_entropy && !words;
        let (fits, name, other_fits, other) = match criterion {
            Criterion::CrossEntropy => (cross_entropy, "cross-entropy", ctc, "CTC"),
            Criterion::Ctc => (ctc, "CTC", cross_entropy, "cross-entropy"),
        };
        // What the option stands for says how to go on.
        let is_told = criterion == Criterion::CrossEntropy
            && self
                .class_axis(shape)
                .zip(labels.integer_shape())
                .is_some_and(|(axis, found)| are_next_tokens(found, &without(shape, axis), shape[axis]));
        (!fits && other_fits && !is_told).then(|| {
            format!("{option} is for {name}, but the labels look like those of {other}: omit it for {other}")
        })
    }
}

/// The options of a tagger.
pub(in crate::cli) const CLASSES_LAST: &str = "--criterion cross-entropy --class-axis -1";

/// What to say where labels have the shape of the matrix without its last axis, but not without the second.
pub(in crate::cli) fn classes_last(shape: &[usize], labels: &LabelFile) -> Option<String> {
    let (_, rows) = shape.split_last().filter(|_| shape.len() > 2)?;
    let fits = labels.fits_indices(rows) && !labels.fits_indices(&without(shape, 1));
    fits.then(|| {
        format!(
            "{} has the shape of the logits without the last axis, {}: if these are one class per row",
            labels.name(),
            shape_text(rows)
        )
    })
}

/// What to say where each item, or the only one, has nearly as many labels as rows, which were taken for frames.
pub(super) fn nearly_as_many(shape: &[usize], labels: &LabelFile) -> Option<String> {
    let (labels, rows) = match (labels.integer_shape()?, shape) {
        (&[labels], &[rows, 1, _]) if labels == rows && rows >= FEW_ROWS => {
            return Some("if these are one class per row, drop the axis of size 1: x[:, 0]".to_owned());
        }
        (&[labels], &[rows, _] | &[rows, 1, _]) => (labels, rows),
        (&[items, labels], &[of_items, rows, _] | &[rows, of_items, _]) if items == of_items => {
            (labels, rows)
        }
        _ => return None,
    };
    let nearly = labels != rows && labels.abs_diff(rows) <= rows / 10;
    (nearly && rows >= FEW_ROWS).then(|| {
        let (labels, rows) = (counted(labels, "label"), counted(rows, "row"));
        format!("if these are one class per row, there are {labels} for {rows}")
    })
}

/// So many rows hardly have as many labels by chance.
const FEW_ROWS: usize = 16;

/// What to say where an array of labels has that shape with its axes exchanged.
fn transposed_labels(shape: &[usize], labels: &LabelFile) -> Option<String> {
    let &[items, places, _] = shape else { return None };
    let fits = items != places && !labels.is_text() && labels.fits_indices(&[places, items]);
    fits.then(|| {
        format!(
            "{} has the shape of the logits without the last axis, transposed, {}: if these are one class per row",
            labels.name(),
            shape_text(&[places, items])
        )
    })
}

/// Whether labels fit a matrix as those of cross-entropy, and as those of CTC.
pub(in crate::cli) fn criteria_that_fit(
    shape: &[usize],
    class_axis: Option<usize>,
    labels: &LabelFile,
) -> (bool, bool) {
    let fits_cross_entropy = match class_axis {
        None => false,
        Some(axis) => labels.fits_indices(&without(shape, axis)) || labels.fits_probs(shape),
    };
    let sequences = labels.sequences(None);
    let fits_ctc = match *shape {
        [frames, _] => sequences == Some(1) && !(fits_cross_entropy && frames > 1),
        [first, second, _] => sequences.is_some_and(|items| items == first || items == second),
        _ => false,
    };
    (fits_cross_entropy, fits_ctc)
}

/// Whether labels fit as classes of rows alone, by name or index, and the alphabet does not seem to be a recogniser's.
pub(in crate::cli) fn names_fit(
    shape: &[usize],
    class_axis: Option<usize>,
    labels: &LabelFile,
    alphabet: &AlphabetFile,
) -> bool {
    let Some(axis) = class_axis else { return false };
    alphabet.len() + 1 != shape[axis]
        && (labels.is_text() || !alphabet.names_blank())
        && labels.fits_indices(&without(shape, axis))
        && criteria_that_fit(shape, class_axis, labels) == (true, false)
}

/// The labels that would fit a matrix.
fn labels_wanted(shape: &[usize], class_axis: Option<usize>, labels: &LabelFile) -> String {
    if let (&[rows, _, 1], Some(&[found])) = (shape, labels.integer_shape())
        && rows == found
    {
        return "if these are one class per row, drop the axis of size 1: x[..., 0]".to_owned();
    }
    if labels.is_joined() && shape.len() == 3 {
        return "joined CTC labels need --label-lengths FILE|N,N,…".to_owned();
    }
    let rows = class_axis.map(|axis| without(shape, axis));
    let misfit = class_axis.zip(rows.as_deref()).and_then(|(axis, rows)| labels.misfit(rows, shape[axis]));
    if labels.is_floats() {
        return misfit.unwrap_or_else(|| labels.integers_hint());
    }
    let misfit = misfit.or_else(|| {
        let items = shape.iter().take(2).filter(|_| shape.len() == 3);
        items.copied().find_map(|items| labels.empty_end(items)).map(str::to_owned)
    });
    if let Some(misfit) = misfit {
        return misfit;
    }
    let indices = match rows.as_deref() {
        None => return "the matrix has no class axis".to_owned(),
        Some([]) => "one class index".to_owned(),
        Some([1]) => "1 class index".to_owned(),
        Some([rows]) => format!("{rows} class indices, one per line,"),
        Some(rows) => format!("class indices of shape {}", shape_text(rows)),
    };
    let sequences = match *shape {
        [_, _] => "; CTC takes one line of labels".to_owned(),
        [first, second, _] if first == second => format!("; CTC takes {} of labels", counted(first, "line")),
        [first, second, _] => format!("; CTC takes {first} or {second} lines of labels, one per item"),
        _ => String::new(),
    };
    format!("cross-entropy takes {indices} or probabilities of shape {}{sequences}", shape_text(shape))
}

pub(super) fn without(shape: &[usize], axis: usize) -> Vec<usize> {
    let kept = shape.iter().enumerate().filter(|&(i, _)| i != axis);
    kept.map(|(_, &size)| size).collect()
}
