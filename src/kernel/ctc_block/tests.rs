use super::*;

/// Numbers from 0 to 1, some of them tiny, some 0.
fn numbers(seed: u64, len: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..len).map(|_| if next() < 0.1 { 0.0 } else { next() * 10_f64.powf(-8.0 * next()) }).collect()
}

fn add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (1.0 + (low - high).exp2()).log2() }
}

/// The logarithms to base 2 of the states.
fn logs(states: &CtcStates) -> Vec<[f64; 2]> {
    let log = |place: usize| {
        let (blank, label, exponent) = states.get(place);
        [blank, label].map(|x| x.log2() + exponent as f64)
    };
    (0..states.room()).map(log).collect()
}

/// The formula, with logarithms.
fn expected(now: &[[f64; 2]], of_label: &[u32], frame: &[f64]) -> Vec<[f64; 2]> {
    let none = f64::NEG_INFINITY;
    let at = |place: usize| {
        let [blank, label] = now[place];
        let [blank_before, label_before] = if place == 0 { [none; 2] } else { now[place - 1] };
        let column = |place: usize| of_label.get(place.wrapping_sub(1));
        let skipped = if place > 1 && column(place) == column(place - 1) { none } else { label_before };
        let prob = column(place).map_or(none, |&column| frame[column as usize].log2());
        [add(blank, label) + frame[0].log2(), add(label, add(blank_before, skipped)) + prob]
    };
    (0..now.len()).map(at).collect()
}

/// What a group's states are times.
const SCALES: [[i64; 5]; 4] =
    [[0, 0, 0, 0, 0], [0, -900, 500, -3000, 200], [0, NONE, 40, NONE, -7], [-90, 0, 100, 0, 0]];

/// States of so many labels above 0 up to a place, and their labels, which are of so many columns, five at least.
fn states(labels: usize, columns: usize, end: usize, scales: [i64; 5]) -> (CtcStates, Vec<u32>) {
    let few = [1, 2, 2, 3, 1, 4, 4, 4];
    let column = |i: usize| if i % 4 < 2 { few[i * 5 % 8] } else { (columns - 1 - i % (columns - 1)) as u32 };
    let of_label: Vec<u32> = (0..labels).map(column).collect();
    let mut states = CtcStates::new(&of_label, columns);
    for group in 0..states.exponents.len() {
        states.exponents[group] = scales[group % scales.len()];
    }
    let (blanks, some) = (numbers(labels as u64, end), numbers(9, end));
    for place in 0..states.room() {
        let (row, lane) = states.row_of(place);
        let empty = place >= end || states.exponents[place / states.depth] == NONE;
        (states.blanks[row][lane], states.labels[row][lane]) =
            if empty { (0.0, 0.0) } else { (blanks[place], if place == 0 { 0.0 } else { some[place] }) };
    }
    (states, of_label)
}

#[test]
fn a_block_is_its_formula_with_every_instruction_set() {
    let mut taken_in_all = 0;
    // From one place a lane to eight, and several sets.
    for labels in [1, 2, 6, 7, 8, 15, 23, 29, 39, 47, 55, 63, 64, 100, 128, 200] {
        for (scales, count, low) in SCALES.into_iter().flat_map(|scales| {
            (1..=BLOCK_FRAMES).flat_map(move |count| [0, 3, 50].map(|low| (scales, count, low)))
        }) {
            // Of each number of registers that hold them, and more.
            let columns = [5, 15, 16, 31, 32, 63, 64, 100][(labels + count) % 8];
            let end = (labels + 1_usize).saturating_sub(count).max(1);
            if low >= end {
                continue;
            }
            let (before, of_label) = states(labels, columns, end, scales);
            let frames: Vec<Vec<f64>> = (0..count)
                .map(|at| {
                    let mut frame = numbers(at as u64 + 70, columns + 1);
                    for x in &mut frame {
                        *x *= 0.25;
                    }
                    frame[columns] = 0.0;
                    frame
                })
                .collect();
            let slices: Vec<&[f64]> = frames.iter().map(Vec::as_slice).collect();
            let least = |frame: &&[f64]| {
                frame.iter().filter(|x| **x > 0.0).map(|&x| -exponent_of(x)).max().unwrap_or(0)
            };
            let bits: Vec<i64> = slices.iter().map(least).collect();
            let mut should = vec![logs(&before)];
            for frame in &slices {
                should.push(expected(should.last().expect("one"), &of_label, frame));
            }
            let groupings = [8, 3, 1].into_iter().filter_map(|depth| {
                let mut states = before.clone();
                states.share_by(depth).then_some(states)
            });
            let sets = InstructionSet::available();
            for (set, mut states) in
                groupings.flat_map(|states| sets.iter().map(move |&set| (set, states.clone())))
            {
                let range = low..(end + count).min(labels + 1);
                let (frames, bits) = (&slices[..], &bits[..]);
                let taken = CtcBlock::new(&mut states, frames, bits, range).run_on(set);
                taken_in_all += taken;
                let found = logs(&states);
                // What is below the range has come no farther than a place a frame.
                let from = if low == 0 || taken == 0 { 0 } else { low + taken };
                for (place, (found, should)) in found.iter().zip(&should[taken]).enumerate().skip(from) {
                    for (found, should) in found.iter().zip(should) {
                        // Up to eight frames of three additions, and an exponential and a logarithm.
                        let close = (found - should).abs() <= 1e-12 * should.abs().max(1.0);
                        assert!(
                            found == should || close,
                            "{}, {labels} labels, {scales:?}, {taken} of {count} from {low}, at {place}: \
                             {found} for {should}",
                            set.name()
                        );
                    }
                }
            }
        }
    }
    assert!(taken_in_all > 3000, "{taken_in_all}");
}

/// How many of a block of frames are taken, each of which may take so many bits of a state.
fn taken(states: &mut CtcStates, bits: i64) -> usize {
    let prob = pow2(-bits);
    let frame = [0.25, 0.25, prob, prob, prob, 0.0];
    let range = 0..states.room().min(32);
    CtcBlock::new(states, &[&frame[..]; BLOCK_FRAMES], &[bits; BLOCK_FRAMES], range)
        .run_on(InstructionSet::best())
}

#[test]
fn no_more_frames_are_taken_than_are_surely_lossless() {
    // One exponent for four places, 31 labels.
    let all_ones = || {
        let (mut states, _) = states(31, 5, 0, SCALES[0]);
        for place in 0..32 {
            let (row, lane) = states.row_of(place);
            (states.blanks[row][lane], states.labels[row][lane]) = (1.0, 1.0);
        }
        states
    };
    let room = TOP - LEAST;
    assert_eq!(taken(&mut all_ones(), 2), BLOCK_FRAMES);
    assert_eq!(taken(&mut all_ones(), room / 8), BLOCK_FRAMES);
    assert_eq!(taken(&mut all_ones(), room / 8 + 1), BLOCK_FRAMES - 1);
    assert_eq!(taken(&mut all_ones(), room), 1);
    assert_eq!(taken(&mut all_ones(), room + 1), 0);
    // A state far beneath one of its group, or of the groups that it is reached from.
    for place in [1, 4, 8, 9, 31] {
        let mut states = all_ones();
        let (row, lane) = states.row_of(place);
        states.labels[row][lane] = pow2(-900);
        assert_eq!(taken(&mut states, 2), BLOCK_FRAMES);
        let mut states = all_ones();
        states.labels[row][lane] = pow2(-900);
        assert_eq!(taken(&mut states, room - 900), 1);
        let mut states = all_ones();
        states.labels[row][lane] = pow2(-900);
        assert_eq!(taken(&mut states, room - 899), 0);
    }
    // A group with gaps is entered by one far beneath it; one without does not care.
    for (gap, frames) in [(0.0, 0), (1.0, BLOCK_FRAMES)] {
        let mut states = all_ones();
        states.exponents[1..].fill(3000);
        states.labels[2][1] = gap;
        assert_eq!(taken(&mut states, 2), frames);
    }
}

/// From a few labels to several sets, from both ends.
#[test]
fn states_stay_the_same_where_fewer_share_an_exponent() {
    let mut halved = 0;
    for labels in [0, 1, 6, 7, 30, 63, 64, 100, 128, 200] {
        for mirrored in [false, true] {
            let of_label: Vec<u32> = (0..labels).map(|i| 1 + (i * 7 % 4) as u32).collect();
            let begin = if mirrored { CtcStates::mirrored } else { CtcStates::new };
            let mut states = begin(&of_label, 5);
            let numbers = numbers(labels as u64, 2 * labels + 2);
            for (state, pair) in numbers.chunks_exact(2).enumerate() {
                let (row, lane) = states.row_of(state);
                // Not so far apart that one could not share the other's exponent.
                let scale = pow2(if state % 9 == 0 { 900 } else { -300 });
                (states.blanks[row][lane], states.labels[row][lane]) = (pair[0] * scale, pair[1] * scale);
            }
            for (group, exponent) in states.exponents.iter_mut().enumerate() {
                *exponent = -700 * group as i64;
            }
            let value = |states: &CtcStates, state: usize| {
                let (blank, label, exponent) = states.get(state);
                let parts = |x: f64| {
                    if x == 0.0 { (0.0, 0) } else { (x * pow2(-exponent_of(x)), exponent_of(x) + exponent) }
                };
                let (row, lane) = states.row_of(state);
                (
                    parts(blank),
                    parts(label),
                    states.column_of[row][lane],
                    states.may_skip[row][lane].to_bits(),
                )
            };
            let before: Vec<_> = (0..=labels).map(|state| value(&states, state)).collect();
            let mut depth = states.depth();
            while states.spread_out() {
                assert!(states.depth() <= depth / 2, "{labels}");
                depth = states.depth();
                halved += 1;
                assert!(states.room() > labels);
                let now: Vec<_> = (0..=labels).map(|state| value(&states, state)).collect();
                assert_eq!(now, before, "{labels}, {depth}");
            }
            assert_eq!(depth, 1, "{labels}");
        }
    }
    assert!(halved > 20, "{halved}");
}
