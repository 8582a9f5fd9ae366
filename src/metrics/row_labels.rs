//! Whether the labels of rows are those of these rows, by the classes that win them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

/// With fewer rows, nothing is said.
const FEW: usize = 10;
/// So many rows tell a weak network from chance.
const MANY: usize = 100;
/// What a network is better than chance that was trained at all, of what there is to be gained.
const LITTLE: f64 = 0.15;
/// The least share of wrong labels that another number explains: less may be a network's errors.
const NEARLY_ALL: f64 = 0.8;
/// Labels that lie further from their rows are not found.
const MOST_ROWS: isize = 8;

/// What may be the matter with labels that are not the classes that win their rows. Ratios are of labels that do not
/// win theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mismatch {
    /// They start from another number.
    Numbered {
        /// What must be added to each, -1 or 1.
        added: i32,
        /// What remains with that.
        error_ratio: f64,
    },
    /// They lie beside other rows than theirs.
    Moved {
        /// The label of a row is that of the row so many rows further on; negative: before.
        rows: isize,
        /// What remains if they lie beside their own.
        error_ratio: f64,
    },
    /// The classes have other numbers.
    Renamed {
        /// The first label that is another class.
        label: u32,
        /// The class that wins more than half of its rows.
        winner: u32,
        /// Number of such labels.
        count: usize,
    },
    /// They have nothing to do with the rows.
    Unrelated {
        /// What is to be expected by chance.
        error_ratio: f64,
    },
}

/// Rows' labels beside the classes that win them.
#[derive(Clone, Copy, Debug)]
pub struct RowLabels<'a> {
    labels: &'a [Option<u32>],
    winners: &'a [Option<u32>],
    /// Rows that have a label.
    rows: usize,
    /// Those that their label wins.
    right: usize,
}

impl<'a> RowLabels<'a> {
    /// `labels`: for each row its class, `None` if it is to be left out; `winners`: for each row the class that wins it,
    /// `None` if it is no distribution.
    pub fn new(labels: &'a [Option<u32>], winners: &'a [Option<u32>]) -> Self {
        let mut this = Self { labels, winners, rows: labels.iter().flatten().count(), right: 0 };
        this.right = this.right_of(0, Some);
        this
    }

    /// The share of labels that do not win their rows; `None` without labels.
    pub fn error_ratio(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.ratio(self.right))
    }

    /// What may be the matter with the labels, if it seems that something is: what explains most of them.
    pub fn mismatch(&self) -> Option<Mismatch> {
        if self.rows < FEW || self.right == self.rows {
            return None;
        }
        let counts = self.counts();
        let chance = Chance::of(&counts);
        let ways = [self.numbered(chance), self.moved(chance), renamed(&counts)].into_iter().flatten();
        let best = ways.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, mismatch)| mismatch).or_else(|| self.unrelated(chance))
    }

    /// Whether so many right ones are far more than there are, and than by chance.
    fn is_better(&self, right: usize, chance: Chance) -> bool {
        right >= 2 * self.right + FEW && right as f64 >= 2.0 * chance.right
    }

    fn ratio(&self, right: usize) -> f64 {
        (self.rows - right) as f64 / self.rows as f64
    }

    /// How many labels would win the row so many rows further on, if they were others.
    fn right_of(&self, rows: isize, other: impl Fn(u32) -> Option<u32>) -> usize {
        let wins = |&(row, label): &(usize, &Option<u32>)| {
            let winner = row.checked_add_signed(rows).and_then(|row| *self.winners.get(row)?);
            winner.is_some() && winner == label.and_then(&other)
        };
        self.labels.iter().enumerate().filter(wins).count()
    }

    /// How many labels are right if all are one more or less, and that.
    fn numbered(&self, chance: Chance) -> Option<(usize, Mismatch)> {
        let found = |added: i32| {
            let right = self.right_of(0, |label| label.checked_add_signed(added));
            let mismatch = Mismatch::Numbered { added, error_ratio: self.ratio(right) };
            self.is_better(right, chance).then_some((right, mismatch))
        };
        if self.ratio(self.right) < NEARLY_ALL { None } else { [-1, 1].into_iter().find_map(found) }
    }

    /// How many labels are right if all are moved, and where to.
    fn moved(&self, chance: Chance) -> Option<(usize, Mismatch)> {
        if 2 * self.right > self.rows {
            return None;
        }
        let nearest_first: Vec<isize> = (1..=MOST_ROWS).flat_map(|rows| [rows, -rows]).collect();
        let all: Vec<usize> = nearest_first.par_iter().map(|&rows| self.right_of(rows, Some)).collect();
        let all = nearest_first.into_iter().zip(all);
        let (rows, right) = all.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        let mismatch = Mismatch::Moved { rows, error_ratio: self.ratio(right) };
        self.is_better(right, chance).then_some((right, mismatch))
    }

    /// Where as many are right as by chance, give or take two standard deviations, and it can't be much more.
    fn unrelated(&self, chance: Chance) -> Option<Mismatch> {
        let rows = self.rows as f64;
        let (right, expected) = (self.right as f64 / rows, chance.right / rows);
        let deviation = (expected * (1.0 - expected) / rows).sqrt();
        // Where nearly all labels are of one class, or that wins nearly all rows, little can be seen.
        let tells = self.rows >= MANY && chance.most as f64 <= 0.9 * rows && expected <= 0.5;
        let seems_so = right <= expected + 2.0 * deviation;
        let surely = right + 2.0 * deviation <= expected + LITTLE * (1.0 - expected);
        (tells && seems_so && surely).then_some(Mismatch::Unrelated { error_ratio: 1.0 - expected })
    }

    /// How many rows there are of each label and winner, in order.
    fn counts(&self) -> Vec<Count> {
        let winner = |row: usize| self.winners.get(row).copied().flatten();
        let labelled = self.labels.iter().enumerate();
        let mut pairs: Vec<(u32, Option<u32>)> =
            labelled.filter_map(|(row, label)| Some(((*label)?, winner(row)))).collect();
        pairs.par_sort_unstable();
        let count =
            |equal: &[(u32, Option<u32>)]| Count { label: equal[0].0, winner: equal[0].1, rows: equal.len() };
        pairs.chunk_by(|a, b| a == b).map(count).collect()
    }
}

/// Rows of one label that one class wins, or none.
struct Count {
    label: u32,
    winner: Option<u32>,
    rows: usize,
}

/// What would be if the labels were dealt out to the rows anew.
#[derive(Clone, Copy)]
struct Chance {
    /// How many would be right.
    right: f64,
    /// How many are of the most frequent class, or won by it.
    most: usize,
}

impl Chance {
    fn of(counts: &[Count]) -> Self {
        let (mut of_labels, mut of_winners) = (BTreeMap::new(), BTreeMap::new());
        for &Count { label, winner, rows } in counts {
            *of_labels.entry(Some(label)).or_insert(0_usize) += rows;
            *of_winners.entry(winner).or_insert(0_usize) += rows;
        }
        let won = |class| of_winners.get(class).copied().unwrap_or(0) as f64;
        let both: f64 = of_labels.iter().map(|(class, &rows)| rows as f64 * won(class)).sum();
        let (all, most) =
            (of_labels.values().sum::<usize>(), of_labels.values().chain(of_winners.values()).max());
        Self { right: both / all as f64, most: most.copied().unwrap_or(0) }
    }
}

/// Where rows of several labels are mostly won by another class, each by its own, and not all by the next: these are the
/// same classes, or most of all. How many labels are right then, and that.
fn renamed(counts: &[Count]) -> Option<(usize, Mismatch)> {
    /// A label, the class that wins more than half of its rows, and how many of them that and the label itself win.
    struct Name {
        label: u32,
        winner: u32,
        won: usize,
        own: usize,
    }
    let name = |of_label: &[Count]| {
        let rows: usize = of_label.iter().map(|count| count.rows).sum();
        let most = of_label.iter().max_by_key(|count| count.rows)?;
        let own =
            of_label.iter().find(|count| count.winner == Some(count.label)).map_or(0, |count| count.rows);
        let (label, won) = (most.label, most.rows);
        (rows >= FEW && 2 * won > rows).then_some(Name { label, winner: most.winner?, won, own })
    };
    let names: Vec<Name> = counts.chunk_by(|a, b| a.label == b.label).filter_map(name).collect();
    // A class that is taken for another about as often as for itself is hard to tell from it.
    let surely = |name: &&Name| {
        let (won, own) = (name.won as f64, name.own as f64);
        name.label != name.winner && won - own > 2.0 * (won + own).sqrt()
    };
    let others: Vec<&Name> = names.iter().filter(surely).collect();
    let classes: BTreeSet<u32> = names.iter().map(|name| name.winner).collect();
    let labels: BTreeSet<u32> = others.iter().map(|name| name.label).collect();
    let winners: BTreeSet<u32> = others.iter().map(|name| name.winner).collect();
    let added = |name: &Name| i64::from(name.winner) - i64::from(name.label);
    let counted_on = |by| names.iter().all(|name| added(name) == by);
    let alone = classes.len() == names.len();
    let of_all = labels == winners || others.len() > 2 && 3 * others.len() >= 2 * names.len();
    let renamed = others.len() > 1 && alone && of_all && !counted_on(1) && !counted_on(-1);
    let right = names.iter().map(|name| name.won).sum();
    let &first = others.first().filter(|_| renamed)?;
    Some((right, Mismatch::Renamed { label: first.label, winner: first.winner, count: others.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Draw(u64);

    impl Draw {
        fn below(&mut self, end: u32) -> u32 {
            // SplitMix64
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
        }
    }

    /// Labels, and winners that are right but for one row in `errors`.
    fn drawn(rows: usize, classes: u32, errors: u32, seed: u64) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
        let mut draw = Draw(seed);
        let labels: Vec<u32> = (0..rows).map(|_| draw.below(classes)).collect();
        let winners =
            labels.iter().map(|&label| if draw.below(errors) == 0 { draw.below(classes) } else { label });
        let winners = winners.map(Some).collect();
        (labels.into_iter().map(Some).collect(), winners)
    }

    fn found(labels: &[Option<u32>], winners: &[Option<u32>]) -> Option<Mismatch> {
        RowLabels::new(labels, winners).mismatch()
    }

    #[test]
    fn labels_of_their_rows_are_no_mismatch() {
        for seed in 0..50 {
            for (rows, classes, errors) in
                [(0, 2, 2), (10, 2, 5), (40, 3, 3), (500, 10, 2), (500, 400, 2), (3000, 2, 2)]
            {
                let (labels, winners) = drawn(rows, classes, errors, seed);
                assert_eq!(found(&labels, &winners), None, "{rows} rows of {classes} classes, seed {seed}");
            }
        }
        // Labels that are nearly all the same.
        let (labels, winners) = drawn(500, 10, 5, 3);
        assert_eq!(found(&vec![Some(4); 500], &winners), None);
        let rare: Vec<_> = (0..500).map(|row| Some(u32::from(row % 50 == 0))).collect();
        assert_eq!(found(&rare, &vec![Some(0); 500]), None);
        // Classes that are taken for others, but not these for them, as of small things in an image.
        let taken = |label: u32| if [7, 8].contains(&label) { label + 20 } else { label };
        let misread: Vec<_> = winners.iter().map(|winner| winner.map(taken)).collect();
        assert_eq!(found(&labels, &misread), None);
        // Two neighbouring classes that are taken for one.
        let confused: Vec<_> =
            labels.iter().map(|label| label.map(|label| if label == 7 { 8 } else { label })).collect();
        assert_eq!(found(&labels, &confused), None);
    }

    #[test]
    fn rows_without_a_label_do_not_count_and_those_without_a_winner_are_wrong() {
        let labels = [Some(1), None, Some(2), Some(0)];
        let winners = [Some(1), Some(0), None, Some(2)];
        assert_eq!(RowLabels::new(&labels, &winners).error_ratio(), Some(2.0 / 3.0));
        assert_eq!(RowLabels::new(&labels, &[]).error_ratio(), Some(1.0));
        assert_eq!(RowLabels::new(&[None], &winners).error_ratio(), None);
    }

    #[test]
    fn moved_labels_are_found_in_both_directions() {
        for (rows, classes, errors) in [(40, 10, 10), (200, 3, 10), (1000, 500, 2)] {
            for by in (-MOST_ROWS..=MOST_ROWS).filter(|&by| by != 0) {
                let (mut labels, winners) = drawn(rows, classes, errors, 11);
                // The label of row i is that of row i + by.
                labels.rotate_left(by.rem_euclid(rows as isize) as usize);
                let own = labels.iter().zip(&winners).filter(|(label, winner)| label == winner).count();
                let Some(Mismatch::Moved { rows: found, error_ratio }) = found(&labels, &winners) else {
                    panic!("{rows} {by}: {own} {:?}", found(&labels, &winners));
                };
                assert_eq!(found, by);
                let right = (0..rows).filter(|&row| {
                    row.checked_add_signed(by).is_some_and(|other| winners.get(other) == Some(&labels[row]))
                });
                assert!((error_ratio - (1.0 - right.count() as f64 / rows as f64)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn classes_in_another_order_are_found() {
        let (labels, winners) = drawn(600, 5, 5, 5);
        let through = |names: [u32; 5]| {
            labels.iter().map(|label| label.map(|label| names[label as usize])).collect::<Vec<_>>()
        };
        let renamed = |label, winner, count| Some(Mismatch::Renamed { label, winner, count });
        assert_eq!(found(&through([1, 0, 2, 3, 4]), &winners), renamed(0, 1, 2));
        assert_eq!(found(&through([2, 0, 1, 4, 3]), &winners), renamed(0, 1, 5));
        // Two classes of which each row is won by the other, and numbers from 1.
        let (labels, winners) = drawn(100, 2, 1000, 5);
        let other: Vec<_> = labels.iter().map(|label| label.map(|label| 1 - label)).collect();
        assert_eq!(found(&other, &winners), renamed(0, 1, 2));
        let from_1: Vec<_> = labels.iter().map(|label| label.map(|label| label + 1)).collect();
        assert_eq!(found(&from_1, &winners), Some(Mismatch::Numbered { added: -1, error_ratio: 0.0 }));
    }

    #[test]
    fn labels_of_other_rows_are_no_better_than_chance() {
        let mut told = 0;
        for seed in 0..100 {
            let (labels, _) = drawn(400, 10, 10, seed);
            let (_, winners) = drawn(400, 10, 10, seed + 1000);
            match found(&labels, &winners) {
                Some(Mismatch::Unrelated { error_ratio }) => {
                    assert!((error_ratio - 0.9).abs() < 0.01, "{error_ratio}");
                    told += 1;
                }
                other => assert_eq!(other, None),
            }
        }
        // Two standard deviations: one in fifty is above by chance.
        assert!(told > 90, "{told}");
        // A network that always says the same tells nothing of the labels.
        let (labels, _) = drawn(500, 10, 5, 3);
        assert_eq!(found(&labels, &vec![Some(4); 500]), None);
    }
}
