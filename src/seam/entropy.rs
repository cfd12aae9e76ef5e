//! Where randomness comes from.

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the source cannot give any.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's source, fit for keys and nonces.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let flags = rustix::rand::GetRandomFlags::empty();
            let count = rustix::rand::getrandom(&mut *rest, flags)?;
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }
}
