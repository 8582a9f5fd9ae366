//! Large arrays of fresh memory: the system makes them accessible in large pages, if asked to, which takes it less time
//! than to do it page by page.
#![allow(unsafe_code)]

/// Bytes of a large page of most systems.
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 1 << 21;

/// So many zeros, in large pages where the system has such. For arrays that are filled to their end, or all over: a page
/// of them is made as a whole.
pub(crate) fn zeros<T: bytemuck::Pod>(len: usize) -> Vec<T> {
    // Nothing of a large array was touched so far.
    let zeros = vec![T::zeroed(); len];
    #[cfg(target_os = "linux")]
    {
        let pages = large_pages_of(bytemuck::cast_slice(&zeros));
        if !pages.is_empty() {
            // SAFETY: the range is within the array, and the advice changes nothing that is read or written there.
            unsafe { libc::madvise(pages.as_ptr().cast_mut().cast(), pages.len(), libc::MADV_HUGEPAGE) };
        }
    }
    zeros
}

/// The whole large pages of an array.
#[cfg(target_os = "linux")]
fn large_pages_of(bytes: &[u8]) -> &[u8] {
    let start = bytes.as_ptr().align_offset(LARGE_PAGE);
    let len = bytes.len().saturating_sub(start) / LARGE_PAGE * LARGE_PAGE;
    bytes.get(start..).map_or(&[], |rest| &rest[..len])
}

#[cfg(test)]
mod tests {
    use super::zeros;

    #[cfg(target_os = "linux")]
    #[test]
    fn pages_are_whole_and_all_that_there_are() {
        use super::{LARGE_PAGE, large_pages_of};
        let bytes = vec![0; 5 * LARGE_PAGE];
        for (start, end) in
            [(0, bytes.len()), (1, bytes.len() - 1), (7, 7 + LARGE_PAGE - 1), (3, 3), (9, 100)]
        {
            let part = &bytes[start..end];
            let pages = large_pages_of(part);
            if pages.is_empty() {
                assert!(part.len() < 2 * LARGE_PAGE);
                continue;
            }
            let offset = pages.as_ptr().addr() - part.as_ptr().addr();
            assert!(
                pages.as_ptr().addr().is_multiple_of(LARGE_PAGE) && pages.len().is_multiple_of(LARGE_PAGE)
            );
            assert!(offset < LARGE_PAGE && part.len() - offset - pages.len() < LARGE_PAGE);
        }
        assert!(!large_pages_of(&bytes).is_empty());
    }

    #[test]
    fn they_are_zeros_at_any_size() {
        for len in [0, 1, 1000, (1 << 18) - 1, 1 << 18, 3 << 18, (7 << 17) + 5] {
            let mut values = zeros::<f64>(len);
            assert!(values.len() == len && values.iter().all(|&value| value == 0.0));
            values.fill(1.0);
            values.extend([2.0; 3]);
            assert_eq!(values.iter().sum::<f64>(), len as f64 + 6.0);
        }
    }
}
