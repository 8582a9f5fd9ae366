//! Large arrays of fresh memory: the system makes them accessible in large pages, if asked to, which takes it less time
//! than to do it page by page.
#![allow(unsafe_code)]

/// Bytes of a large page of most systems.
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 1 << 21;

/// So many zeros, in large pages where the system has such. For arrays that are filled to their end: a page of them is
/// made as a whole.
pub(crate) fn zeros<T: bytemuck::Pod>(len: usize) -> Vec<T> {
    // Nothing of a large array was touched so far.
    let zeros = vec![T::zeroed(); len];
    #[cfg(target_os = "linux")]
    {
        let bytes: &[u8] = bytemuck::cast_slice(&zeros);
        let start = bytes.as_ptr().align_offset(LARGE_PAGE);
        let len = bytes.len().saturating_sub(start) / LARGE_PAGE * LARGE_PAGE;
        if len > 0 {
            // SAFETY: the range is within the array, and the advice changes nothing that is read or written there.
            unsafe { libc::madvise(bytes[start..].as_ptr().cast_mut().cast(), len, libc::MADV_HUGEPAGE) };
        }
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::zeros;

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
