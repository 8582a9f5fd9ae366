//! Which axes are which, as far as shapes and labels tell.

use super::super::ctc_shape::CtcShape;
use super::super::inputs::{bad_shape, optional_integers};
use super::super::loss::{CLASSES_LAST, classes_last, criteria_that_fit, names_fit};
use super::super::values::Word;
use super::Args;
use crate::input::{AlphabetFile, InputError, LabelFile, List, Matrix, Place, counted};
use crate::logits::Geometry;
use crate::loss::targets::DEFAULT_IGNORE_INDEX;
use crate::report::inspect::Finding;

/// How the rows are to be read.
pub(super) struct View {
    pub(super) geometry: Geometry,
    pub(super) ctc: Option<CtcShape>,
    /// Frames in use of each item; none where there are no items.
    pub(super) lengths: Vec<usize>,
    /// Whether the labels are classes of rows, or their probabilities.
    pub(super) cross_entropy: bool,
    /// Whether there is a label sequence for each item.
    pub(super) labels_fit: bool,
}

/// Whether labels that fit both losses are no label sequences: some are left out as PyTorch does it, or each has more
/// labels than any item has frames.
fn no_sequences(shape: &[usize], labels: &LabelFile) -> bool {
    let frames = shape.iter().take(2).max();
    let too_many = labels.integer_shape().is_some_and(|labels| labels.last() > frames);
    too_many || labels.integers().is_some_and(|labels| labels.contains(&DEFAULT_IGNORE_INDEX))
}

impl Args {
    /// As a CTC input where it can be one, and the labels are not those of a classifier.
    pub(super) fn view(
        &self,
        matrix: &Matrix,
        labels: Option<&LabelFile>,
        alphabet: Option<&AlphabetFile>,
        label_lengths: Option<&List<i64>>,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<View> {
        let shape = matrix.shape();
        // Classifier logits: the classes' axis is PyTorch's.
        let class_axis = usize::from(shape.len() > 1);
        if shape.is_empty() {
            let error =
                InputError::new(matrix.name(), Place::whole(), "at least one axis", "a single number");
            return Err(error.into());
        }
        let fits = labels.map(|labels| criteria_that_fit(shape, Some(class_axis), labels));
        let fits = fits.filter(|_| !self.asks_for_ctc());
        // Names of classes are rather those of a recogniser.
        let named = alphabet.zip(labels);
        let are_classes =
            named.is_none_or(|(alphabet, labels)| names_fit(shape, Some(class_axis), labels, alphabet));
        let tagger = labels.filter(|labels| fits.is_some() && (named.is_none() || labels.are_names()));
        let tagger = tagger.and_then(|labels| classes_last(shape, labels));
        let fits = fits.filter(|_| are_classes);
        let of_rows_alone = || labels.is_some_and(|labels| no_sequences(shape, labels));
        let cross_entropy = matches!(fits, Some((true, ctc)) if !ctc || of_rows_alone());
        if fits == Some((true, true)) && !cross_entropy {
            let message = "the labels fit both losses: if this is a classifier's output, give --criterion cross-entropy";
            findings.push(Finding { code: "criterion", message: message.to_owned(), flag: None });
        }
        if cross_entropy {
            let message = "there is a label for each row, as for a classifier".to_owned();
            let flag = Some("--criterion cross-entropy".to_owned());
            findings.push(Finding { code: "criterion", message, flag });
        }
        if cross_entropy || !(2..=3).contains(&shape.len()) && tagger.is_none() {
            let misfits = labels.filter(|labels| !cross_entropy && !labels.is_floats());
            findings.extend(misfits.map(|labels| misfit(matrix, "the shape", labels)));
            return Ok(View { cross_entropy, ..by_class(matrix, class_axis)? });
        }
        if let Some(message) = tagger {
            let flag = Some(CLASSES_LAST.to_owned());
            findings.push(Finding { code: "classes_last", message, flag });
            // Labels of a recogniser that are as long as its items are padded.
            let padded = labels.filter(|labels| !labels.is_text()).and_then(LabelFile::padded_rows);
            if padded.is_none_or(|(class, _)| class == DEFAULT_IGNORE_INDEX) {
                return Ok(View { cross_entropy: true, ..by_class(matrix, shape.len() - 1)? });
            }
        }
        self.view_as_ctc(matrix, labels, label_lengths, findings)
    }

    fn view_as_ctc(
        &self,
        matrix: &Matrix,
        labels: Option<&LabelFile>,
        label_lengths: Option<&List<i64>>,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<View> {
        let given = optional_integers("--lengths", self.logits.lengths.as_deref())?;
        let sequences =
            labels.and_then(|labels| labels.sequences(label_lengths.map(|lengths| lengths.len())));
        let other = labels.map(LabelFile::name).zip(sequences);
        match CtcShape::of(matrix, self.logits.layout, given.as_ref(), other) {
            Ok(ctc) => {
                if ctc.layout_inferred {
                    findings.push(inferred(&ctc));
                }
                let lengths = ctc.lengths(given.as_ref())?;
                let labels_fit = sequences == Some(ctc.items);
                if let (false, Some(labels)) = (labels_fit, labels) {
                    findings.push(misfit(matrix, &items_or_rows(&ctc), labels));
                }
                Ok(View {
                    geometry: ctc.geometry.clone(),
                    ctc: Some(ctc),
                    lengths,
                    cross_entropy: false,
                    labels_fit,
                })
            }
            Err(error) if matrix.shape().len() == 3 && self.logits.layout.is_none() => {
                let message = error.to_string();
                // The lengths may be wrong instead.
                let told = error.downcast_ref::<InputError>().is_none();
                let flag = told.then(|| "--layout tnc or --layout ntc".to_owned());
                findings.push(Finding { code: "layout", message, flag });
                Ok(by_class(matrix, 2)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an option says that this is a CTC input.
    fn asks_for_ctc(&self) -> bool {
        let (logits, alphabet) = (&self.logits, &self.alphabet);
        logits.layout.is_some()
            || logits.lengths.is_some()
            || self.label_lengths.is_some()
            || alphabet.label_split.is_some()
            || alphabet.unk.is_some()
            || alphabet.names.blank.is_some()
    }
}

/// The rows along one axis, without items.
fn by_class(matrix: &Matrix, class_axis: usize) -> Result<View, InputError> {
    let shape = matrix.shape();
    let geometry = Geometry::along(shape, matrix.fortran_order(), class_axis);
    let geometry = geometry.map_err(|error| bad_shape(matrix, &error))?;
    Ok(View { geometry, ctc: None, lengths: Vec::new(), cross_entropy: false, labels_fit: false })
}

fn inferred(ctc: &CtcShape) -> Finding {
    let layout = ctc.layout.word();
    let axis = usize::from(layout == "tnc");
    let message = format!("the size of axis {axis} is the number of items, so the layout is {layout}");
    Finding { code: "layout", message, flag: Some(format!("--layout {layout}")) }
}

/// Labels that are neither those of CTC nor those of cross-entropy, for which there would have to be `what`.
fn misfit(matrix: &Matrix, what: &str, labels: &LabelFile) -> Finding {
    let message =
        format!("{} ({}) does not fit {what} of {}", labels.name(), labels.describe(), matrix.name());
    Finding { code: "label_count", message, flag: None }
}

/// The items of a CTC input or, of a single one, its rows.
fn items_or_rows(ctc: &CtcShape) -> String {
    let items = counted(ctc.items, "item");
    if ctc.is_batch() { items } else { format!("{items}, or {}", counted(ctc.frames, "row")) }
}
