//! Whether the classes are on another axis than the one that is taken: along it the values are distributions.

use super::loss::CLASSES_LAST;
use crate::input::{InputError, Matrix, ReadError, display_name};
use crate::logits::{DistributionProbe, Geometry, RowAudit};
use crate::report::Warning;
use crate::report::inspect::Finding;

/// Values of a plane, up to which axes are looked at, for of each row a value may lie in another page of the file.
const MOST_PLANE_VALUES: usize = 1 << 24;

/// A matrix that is looked at once more where its rows are no distributions.
pub(super) struct SecondLook {
    matrix: Option<Matrix>,
    geometry: Geometry,
}

impl SecondLook {
    /// To be called before the matrix is read, whose rows lie as `geometry` says. What comes from a pipe is not kept, and a
    /// table would have to be copied.
    pub(super) fn new(matrix: &mut Matrix, geometry: &Geometry) -> Result<Self, InputError> {
        let may_be = matrix.can_be_read_again() && matrix.csv_options().is_none();
        let matrix = may_be.then(|| matrix.again()).transpose()?;
        Ok(Self { matrix, geometry: geometry.clone() })
    }

    /// What to say, if what was seen of the rows lets it be; `option` says how else to take another axis.
    pub(super) fn warning(
        self,
        audit: &RowAudit,
        option: impl Fn(usize) -> Option<String>,
    ) -> Result<Option<Warning>, InputError> {
        let may_be = |_: &Matrix| audit.may_be_parts_of_distributions();
        let Some(matrix) = self.matrix.filter(may_be) else { return Ok(None) };
        let (name, axes) = (display_name(matrix.path()).to_owned(), matrix.shape().len());
        let axis = axis_of_distributions(matrix, &self.geometry)?;
        Ok(axis.map(|axis| {
            let hint = option(axis).unwrap_or_else(|| format!("save {}", with_classes_last(axes, axis)));
            let message = format!(
                "{name}: {}: if the classes are on axis {axis}, {hint}; if not, softmax was applied along the wrong axis",
                sums(axis)
            );
            Warning { code: "other_axis", message }
        }))
    }
}

/// The same as a finding of `inspect`.
pub(super) fn other_axis(matrix: Matrix, classes: &Geometry) -> Result<Option<Finding>, InputError> {
    let axes = matrix.shape().len();
    let axis = axis_of_distributions(matrix, classes)?;
    Ok(axis.map(|axis| Finding {
        code: "other_axis",
        message: format!(
            "{}: are the classes on axis {axis}, or was softmax applied along the wrong axis?",
            sums(axis)
        ),
        flag: Some(if axis + 1 == axes { CLASSES_LAST.to_owned() } else { with_classes_last(axes, axis) }),
    }))
}

fn sums(axis: usize) -> String {
    format!(
        "along axis {axis} the values, or their exponentials, sum to 1, but along the axis taken as the classes they do not"
    )
}

/// How to make an axis of so many the last.
pub(super) fn with_classes_last(axes: usize, axis: usize) -> String {
    if axes == 2 { "x.T".to_owned() } else { format!("numpy.moveaxis(x, {axis}, -1)") }
}

/// An axis along which the rows are distributions, where those of `classes` are not.
fn axis_of_distributions(mut matrix: Matrix, classes: &Geometry) -> Result<Option<usize>, InputError> {
    let shape = matrix.shape().to_vec();
    for axis in 0..shape.len() {
        let geometry = Geometry::along(&shape, matrix.fortran_order(), axis);
        let looked_at = |geometry: &Geometry| {
            geometry.plane_len() <= MOST_PLANE_VALUES
                && (geometry.classes(), geometry.plane_len()) != (classes.classes(), classes.plane_len())
        };
        let Some(geometry) = geometry.ok().filter(looked_at) else { continue };
        let mut probe = DistributionProbe::default();
        match matrix.again()?.read(&geometry, &mut probe) {
            Ok(()) | Err(ReadError::Visit(_)) => {}
            Err(ReadError::Input(error)) => return Err(error),
        }
        if probe.are_distributions() {
            return Ok(Some(axis));
        }
    }
    Ok(None)
}
