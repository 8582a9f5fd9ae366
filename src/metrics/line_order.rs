//! Whether texts and references are in the same order.

use std::collections::BTreeSet;

use super::edit_counts;

/// So many texts are looked at.
const SAMPLED: usize = 32;
/// So many of these tell.
const FEW: usize = 4;
/// So many references before and behind a text's own are looked at.
const AROUND: usize = 256;
/// So many tokens of a text tell.
const TOKENS: usize = 128;
/// A text is as long as no reference is by chance, with a quarter of errors.
const BITS: f64 = 32.0;
/// More errors than a text has that was read at all.
const MANY: f64 = 0.5;

/// A text whose own reference has many errors, and the reference that it is most like, with half as many or fewer, if it
/// is so with most texts, each with another reference. `text` and `reference` are asked for the tokens of the lines
/// numbered from 0 to below `lines`.
pub fn other_line<T: Ord, I: Iterator<Item = T>, J: Iterator<Item = T>>(
    lines: usize,
    text: impl Fn(usize) -> I,
    reference: impl Fn(usize) -> J,
) -> Option<(usize, usize)> {
    let every = lines.div_ceil(4 * SAMPLED).max(1);
    let beginning = |line: usize| text(line).take(TOKENS).collect::<Vec<T>>();
    let sample: Vec<(usize, Vec<T>)> =
        (0..lines).step_by(every).map(|line| (line, beginning(line))).collect();
    let distinct: BTreeSet<&T> = sample.iter().flat_map(|(_, text)| text).collect();
    let bits = (distinct.len() as f64).log2();
    let tells = |(_, text): &&(usize, Vec<T>)| text.len() as f64 * bits >= BITS;
    let sample: Vec<&(usize, Vec<T>)> = sample.iter().filter(tells).take(SAMPLED).collect();
    let rate = |text: &[T], line: usize| {
        let reference: Vec<T> = reference(line).take(TOKENS).collect();
        edit_counts(&reference, text).errors() as f64 / text.len().max(reference.len()) as f64
    };
    let wrong: Vec<(usize, &[T], f64)> = sample
        .iter()
        .map(|(line, text)| (*line, text.as_slice(), rate(text, *line)))
        .filter(|(_, _, rate)| *rate > MANY)
        .collect();
    let is_most = |count: usize| count >= FEW && 2 * count > sample.len();
    if !is_most(wrong.len()) {
        return None;
    }
    let nearest = |&(line, text, own): &(usize, &[T], f64)| {
        let others = line.saturating_sub(AROUND)..lines.min(line + AROUND);
        let rates: Vec<(usize, f64)> = others.map(|other| (other, rate(text, other))).collect();
        let &(other, least) = rates.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        // Of equal ones, none is the text's.
        let alone = rates.iter().filter(|(_, rate)| *rate == least).count() == 1;
        (alone && least <= own / 2.0 && least <= MANY / 2.0).then_some((line, other))
    };
    let found: Vec<(usize, usize)> = wrong.iter().filter_map(nearest).collect();
    let distinct: BTreeSet<usize> = found.iter().map(|&(_, other)| other).collect();
    is_most(distinct.len()).then(|| found[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of one length, all different, of which each tenth character is another.
    fn texts(lines: usize, length: usize, classes: usize) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let references: Vec<Vec<usize>> =
            (0..lines).map(|_| (0..length).map(|_| next(classes)).collect()).collect();
        let mut read = references.clone();
        for text in &mut read {
            text.iter_mut().step_by(10).for_each(|token| *token = next(classes));
        }
        (read, references)
    }

    fn found(read: &[Vec<usize>], references: &[Vec<usize>]) -> Option<(usize, usize)> {
        other_line(read.len(), |line| read[line].iter(), |line| references[line].iter())
    }

    #[test]
    fn lines_in_another_order_are_found() {
        for (lines, length, classes) in [(5, 30, 4), (20, 12, 30), (700, 40, 4), (2000, 20, 26)] {
            let (read, references) = texts(lines, length, classes);
            assert_eq!(found(&read, &references), None, "{lines}");
            let mut shifted = references.clone();
            shifted.rotate_right(1);
            assert_eq!(found(&read, &shifted), Some((0, 1)), "{lines}");
            let reversed: Vec<_> = references.iter().rev().cloned().collect();
            assert_eq!(found(&read, &reversed).is_some(), lines <= AROUND, "{lines}");
        }
    }

    #[test]
    fn texts_of_nothing_that_was_said_are_no_other_lines() {
        for (lines, length, classes) in
            [(3, 30, 4), (500, 1, 10), (500, 4, 10), (500, 15, 4), (500, 40, 3), (9, 40, 30)]
        {
            let (read, _) = texts(lines, length, classes);
            let (_, references) = texts(lines + 1, length + 1, classes);
            assert_eq!(found(&read, &references[1..]), None, "{lines}, {length}, {classes}");
        }
        assert_eq!(found(&[], &[]), None);
        assert_eq!(found(&vec![vec![]; 9], &vec![vec![]; 9]), None);
        // One text for all, and texts of which each is there several times.
        let (_, references) = texts(40, 30, 20);
        assert_eq!(found(&vec![references[7].clone(); 40], &references), None);
        let few: Vec<_> = (0..40).map(|line| references[line % 8].clone()).collect();
        let others: Vec<_> = (0..40).map(|line| references[(line * 3 + 1) % 8].clone()).collect();
        assert_eq!(found(&others, &few), None);
        // Half of the lines are right.
        let (read, mut references) = texts(40, 30, 20);
        references[20..].rotate_left(1);
        assert_eq!(found(&read, &references), None);
    }
}
