//! Columns of the Levenshtein matrix, 64 rows per word.
//!
//! The recurrence of Myers, "A fast bit-vector algorithm for approximate string matching" (JACM 46,
//! 1999), in the form of Hyyrö (2003) for the distance of whole sequences: neighbours in the matrix
//! differ by at most one, so a column is two bits a row.

use std::ops::Range;

const BITS: usize = 64;

/// The rows of each column that are looked at: no farther from the diagonal than `width`, and one more, in whole words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    rows: usize,
    width: usize,
}

impl Band {
    /// Of the columns of a matrix with so many rows below the first.
    pub(super) fn new(rows: usize, width: usize) -> Self {
        Self { rows, width }
    }

    fn words(self, column: usize) -> Range<usize> {
        let first = column.saturating_sub(self.width + 1).clamp(1, self.rows);
        let last = column.saturating_add(self.width + 1).min(self.rows);
        (first - 1) / BITS..last.div_ceil(BITS)
    }
}

/// One column of the matrix, as differences, within a band. Bit `i` belongs to matrix row `i + 1`.
///
/// Rows above the band count as one more than in the column before, rows below it as one more than the row above: so
/// what is looked at is never less than it is without the band, and the same wherever a cheapest way to it stays
/// within.
#[derive(Debug)]
pub(super) struct Differences {
    band: Band,
    column: usize,
    /// The first word.
    first: usize,
    /// The value of the last row.
    value: usize,
    /// The value is one above the value of the row above.
    up: Vec<u64>,
    /// The value is one below the value of the row above.
    down: Vec<u64>,
    /// The value of the row above (bit `i` is matrix row `i`) is one below that of the column before.
    left: Vec<u64>,
}

impl Clone for Differences {
    fn clone(&self) -> Self {
        let (up, down, left) = (self.up.clone(), self.down.clone(), self.left.clone());
        Self { up, down, left, ..*self }
    }

    /// Memory that is asked for again and again is given back to the system in between.
    fn clone_from(&mut self, other: &Self) {
        let Self { band, column, first, value, up, down, left } = self;
        (*band, *column, *first, *value) = (other.band, other.column, other.first, other.value);
        up.clone_from(&other.up);
        down.clone_from(&other.down);
        left.clone_from(&other.left);
    }
}

impl Differences {
    /// The column of the empty hypothesis: each row is one more than the row above.
    pub(super) fn first_column(band: Band) -> Self {
        let words = band.words(0).len();
        let value = band.rows.min(words * BITS);
        let (up, down, left) = (vec![u64::MAX; words], vec![0; words], vec![0; words]);
        Self { band, column: 0, first: 0, value, up, down, left }
    }

    /// The value of the last row of the band.
    pub(super) fn last_value(&self) -> usize {
        self.value
    }

    /// No row of the band has less.
    pub(super) fn least(&self) -> usize {
        let words = self.up.len();
        let bits_of =
            |word: usize| self.band.rows.min((self.first + word + 1) * BITS) - (self.first + word) * BITS;
        let mut below = self.value;
        let mut least = below;
        for word in (0..words).rev() {
            let mask = u64::MAX >> (BITS - bits_of(word));
            let count = |bits: u64| (bits & mask).count_ones() as usize;
            let above = below + count(self.down[word]) - count(self.up[word]);
            // From one to the other in steps of at most one.
            least = least.min((above + below).saturating_sub(bits_of(word)) / 2);
            below = above;
        }
        least
    }

    /// Whether matrix row `i + 1` is one below row `i`, in this column.
    pub(super) fn above_falls(&self, i: usize) -> bool {
        self.down[i / BITS - self.first] >> (i % BITS) & 1 == 1
    }

    /// Whether matrix row `i` is one below its value in the column before.
    pub(super) fn left_falls(&self, i: usize) -> bool {
        self.left[i / BITS - self.first] >> (i % BITS) & 1 == 1
    }

    /// Moves on to the next column's rows; what comes below is still the column's before.
    fn move_on(&mut self) -> Range<usize> {
        self.column += 1;
        let words = self.band.words(self.column);
        let end = self.first + self.up.len();
        if words.end > end {
            self.value += self.band.rows.min(words.end * BITS) - end * BITS;
            let len = words.end - self.first;
            self.up.resize(len, u64::MAX);
            self.down.resize(len, 0);
            self.left.resize(len, 0);
        }
        let gone = words.start - self.first;
        if gone > 0 {
            for words in [&mut self.up, &mut self.down, &mut self.left] {
                words.drain(..gone);
            }
            self.first = words.start;
        }
        words
    }
}

/// Where each symbol of the hypothesis occurs in the reference.
///
/// Symbols that occur in more than one of 64 places have a bit mask; there can't be many of them. The
/// others have a list of places, so memory is linear whatever the alphabet.
pub(super) struct Pattern {
    /// Symbol of each column, by number.
    columns: Vec<u32>,
    symbols: Vec<Places>,
    /// Bit mask of a listed symbol; empty between columns.
    scratch: Vec<u64>,
}

enum Places {
    Mask(Vec<u64>),
    List(Vec<u32>),
}

impl Pattern {
    /// For the matrix of `reference` (rows) and `hypothesis` (columns).
    pub(super) fn new<T: Ord>(reference: &[T], hypothesis: &[T]) -> Self {
        let words = reference.len().div_ceil(BITS);
        // In order rather than by hashes: for a line, as fast as the fastest, and no text can make it slow.
        let mut distinct: Vec<&T> = reference.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        // Every symbol that the reference lacks is alike.
        let number = |symbol: &T| distinct.binary_search(&symbol).unwrap_or(distinct.len());
        let mut lists = vec![Vec::new(); distinct.len() + 1];
        for (place, symbol) in (0..).zip(reference) {
            lists[number(symbol)].push(place);
        }
        let columns = hypothesis.iter().map(|symbol| number(symbol) as u32).collect();
        let symbols = lists
            .into_iter()
            .map(|places| {
                if places.len() < words {
                    return Places::List(places);
                }
                let mut mask = vec![0; words];
                for &place in &places {
                    set(&mut mask, place);
                }
                Places::Mask(mask)
            })
            .collect();
        Self { columns, symbols, scratch: vec![0; words] }
    }

    /// Turns a matrix column into the next one, which `column` of the hypothesis leads to.
    pub(super) fn advance(&mut self, column: usize, here: &mut Differences) {
        let words = here.move_on();
        match &self.symbols[self.columns[column] as usize] {
            Places::Mask(mask) => advance(&mask[words], here),
            Places::List(places) => {
                for &place in places {
                    set(&mut self.scratch, place);
                }
                advance(&self.scratch[words], here);
                for &place in places {
                    self.scratch[place as usize / BITS] = 0;
                }
            }
        }
    }
}

fn set(mask: &mut [u64], place: u32) {
    mask[place as usize / BITS] |= 1 << (place as usize % BITS);
}

fn advance(matches: &[u64], here: &mut Differences) {
    // Row 0 grows by one a column.
    let (mut rises, mut falls) = (1, 0);
    let last_bit = (here.band.rows.min((here.first + matches.len()) * BITS) - 1) % BITS;
    let mut last = [0, 0];
    let words = here.up.iter_mut().zip(&mut here.down).zip(&mut here.left);
    for (&matches, ((up, down), left)) in matches.iter().zip(words) {
        let equal = matches | falls;
        let diagonal = (((equal & *up).wrapping_add(*up)) ^ *up) | equal | *down;
        let horizontal_rises = *down | !(diagonal | *up);
        let horizontal_falls = *up & diagonal;
        let shifted_rises = horizontal_rises << 1 | rises;
        let shifted_falls = horizontal_falls << 1 | falls;
        last = [horizontal_rises, horizontal_falls];
        rises = horizontal_rises >> (BITS - 1);
        falls = horizontal_falls >> (BITS - 1);
        *up = shifted_falls | !(diagonal | shifted_rises);
        *down = shifted_rises & diagonal;
        *left = shifted_falls;
    }
    let [rise, fall] = last.map(|bits| (bits >> last_bit & 1) as usize);
    here.value = here.value + rise - fall;
}
