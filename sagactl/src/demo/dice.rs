//! Seeded chance: a small generator of our own, and the few distributions a shop needs.
//!
//! The `rand` crate promises no stable stream for its standard generator; a catalogue whose prices change with a
//! dependency update would break every order that quotes them. SplitMix64 is eight lines and stays what it is.

/// A deterministic source of chance (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The dice of a word: the same word always falls the same way (FNV-1a).
    #[must_use]
    pub fn of(word: &str) -> Self {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self::new(hash)
    }

    /// Sixty-four fresh bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `[0, 1)`, of 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An index below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        // Multiply-shift: the bias is below 2^-40 for any list that fits in memory here.
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// An integer in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the list, which must not be empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// The index of one of the weights, in proportion to them; the last one when all are zero.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }

    /// A waiting time of this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        // `1 - unit` is never zero, so the logarithm is finite.
        -mean * (1.0 - self.unit()).ln()
    }

    /// The list in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// Ranks `0..n` with probability proportional to `1 / (rank + 1)^exponent`.
#[derive(Clone, Debug)]
pub struct Zipf {
    cumulated: Vec<f64>,
}

impl Zipf {
    /// The distribution over `n` ranks; `n` must not be zero.
    #[must_use]
    pub fn new(n: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let cumulated = (1..=n)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        Self { cumulated }
    }

    /// A rank.
    pub fn rank(&self, dice: &mut Dice) -> usize {
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        let point = dice.unit() * total;
        self.cumulated.partition_point(|sum| *sum <= point).min(self.cumulated.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // The first outputs of the reference implementation for seed 1234567.
        let mut dice = Dice::new(1_234_567);
        assert_eq!(dice.bits(), 6_457_827_717_110_365_317);
        assert_eq!(dice.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn below_reaches_every_index_evenly() {
        let mut dice = Dice::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[dice.below(7)] += 1;
        }
        assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
    }

    #[test]
    fn waiting_times_have_their_mean() {
        let mut dice = Dice::new(2);
        let mean = (0..50_000).map(|_| dice.exponential(4.0)).sum::<f64>() / 50_000.0;
        assert!((3.9..4.1).contains(&mean), "{mean}");
    }

    #[test]
    fn zipf_halves_from_the_first_rank_to_the_second() {
        let (zipf, mut dice) = (Zipf::new(50, 1.0), Dice::new(3));
        let mut seen = [0_u32; 50];
        for _ in 0..100_000 {
            seen[zipf.rank(&mut dice)] += 1;
        }
        let ratio = f64::from(seen[0]) / f64::from(seen[1]);
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        assert!(seen[49] > 200, "the tail is drawn too: {}", seen[49]);
    }

    #[test]
    fn weights_are_proportions_and_zero_is_never_drawn() {
        let mut dice = Dice::new(4);
        let mut seen = [0_u32; 3];
        for _ in 0..40_000 {
            seen[dice.weighted(&[3.0, 0.0, 1.0])] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((29_500..30_500).contains(&seen[0]), "{seen:?}");
    }
}
