//! What becomes of a value on its way, and of bytes at their end.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::io;

/// A format: how values become bytes, and bytes values. A type that is never made, named by the ends that use it.
///
/// Both ends of a channel must use the same; [`Options::type_tag`](crate::Options::type_tag) is there to make sure.
///
/// ```
/// use ringway::codec::Codec;
/// use serde::{Serialize, de::DeserializeOwned};
/// use std::io::Write;
///
/// struct Json;
///
/// impl Codec for Json {
///     type Error = serde_json::Error;
///
///     fn encode<T: Serialize + ?Sized, W: Write>(message: &T, writer: W) -> Result<(), Self::Error> {
///         serde_json::to_writer(writer, message)
///     }
///
///     fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Self::Error> {
///         serde_json::from_slice(bytes)
///     }
/// }
///
/// let (tx, rx) = ringway::codec::channel_of::<Vec<String>, Json>(&ringway::Options::new())?;
/// tx.send(vec!["any".into(), "type".into()])?;
/// assert_eq!(rx.recv()?, ["any", "type"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Codec {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Writes `message` to `writer`, which is a place in shared memory, or one that leads there. It may do so in small pieces.
    ///
    /// # Errors
    ///
    /// The value cannot be encoded, or the writer fails; the latter's errors are told by who made the writer.
    fn encode<T: Serialize + ?Sized, W: io::Write>(message: &T, writer: W) -> Result<(), Self::Error>;

    /// Makes a value of `bytes`, which are one message, and perhaps not what `encode` has written: another process sent
    /// them.
    ///
    /// # Errors
    ///
    /// The bytes are no `T`.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Self::Error>;
}

/// [postcard](https://docs.rs/postcard): small and fast, its format written down and stable. Field names and types are not in it,
/// so both ends need the same types. Bytes behind the end of a value are an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Postcard {}

/// Gives postcard's bytes to a writer.
struct Into<W>(W);

impl<W: io::Write> postcard::ser_flavors::Flavor for Into<W> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<(), postcard::Error> {
        self.0.write_all(bytes).map_err(|_| postcard::Error::SerializeBufferFull)
    }

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<(), postcard::Error> {
        self.try_extend(&[byte])
    }

    fn finalize(self) -> Result<(), postcard::Error> {
        Ok(())
    }
}

impl Codec for Postcard {
    type Error = postcard::Error;

    #[inline]
    fn encode<T: Serialize + ?Sized, W: io::Write>(message: &T, writer: W) -> Result<(), postcard::Error> {
        postcard::serialize_with_flavor(message, Into(writer))
    }

    #[inline]
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
        let (message, rest) = postcard::take_from_bytes(bytes)?;
        if rest.is_empty() { Ok(message) } else { Err(postcard::Error::DeserializeBadEncoding) }
    }
}
