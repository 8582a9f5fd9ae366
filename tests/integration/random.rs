/// A small generator (PCG-XSH-RR 32), so that tests are the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.bits();
        random
    }

    fn bits(&mut self) -> u32 {
        let old = self.0;
        self.0 = old.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (((old >> 18) ^ old) >> 27) as u32;
        mixed.rotate_right((old >> 59) as u32)
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }

    /// In (0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (f64::from(self.bits()) + 0.5) / 4_294_967_296.0
    }

    /// Roughly normal: mean 0, deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// `[frames, classes]` logits; with `blank_bias` added to class 0.
    pub(crate) fn logits(
        &mut self,
        frames: usize,
        classes: usize,
        sharpness: f64,
        blank_bias: f64,
    ) -> Vec<f64> {
        let mut logits: Vec<f64> = (0..frames * classes).map(|_| sharpness * self.normal()).collect();
        logits.iter_mut().step_by(classes).for_each(|x| *x += blank_bias);
        logits
    }
}
