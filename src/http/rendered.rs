//! Pages that many clients share.
//!
//! A page is rendered again only after four times as long as rendering took, so requests for a
//! large page occupy at most a fifth of a thread. While a client has not read it completely, it
//! is shared for a second, so clients that do not read occupy no more than one page per second.
//! Otherwise each request gets a new page.

use crate::http::gzip::{self, Compressors, GZIP};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// The longest time for which a page is shared.
const LONGEST: Duration = Duration::from_secs(1);
/// Pause between renderings, as a multiple of the time that the last one took.
const PAUSE: u32 = 4;

/// The last rendering of a page.
#[derive(Debug, Default)]
pub(crate) struct SharedPage(Mutex<Option<Arc<Rendered>>>);

/// A rendered page.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// What the page depends on, besides the time.
    variant: String,
    body: Bytes,
    /// The body, compressed for the first client that accepts it.
    compressed: OnceCell<Bytes>,
    at: Instant,
    took: Duration,
}

impl SharedPage {
    /// The page, rendered by `render` if necessary. `variant` contains what it depends on,
    /// besides the time.
    ///
    /// # Errors
    /// Those of `render`.
    pub(crate) fn get<E>(
        &self,
        variant: String,
        render: impl FnOnce() -> Result<String, E>,
    ) -> Result<Arc<Rendered>, E> {
        // Held while rendering, so that the other worker does not render the same page. After a
        // panic the last page is complete.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && last.variant == variant
            && last.is_current(Instant::now())
        {
            return Ok(Arc::clone(last));
        }
        let began = Instant::now();
        let body = render()?.into();
        let at = Instant::now();
        let rendered = Arc::new(Rendered {
            variant,
            body,
            compressed: OnceCell::new(),
            at,
            took: at - began,
        });
        *last = Some(Arc::clone(&rendered));
        Ok(rendered)
    }
}

impl Rendered {
    fn is_current(&self, now: Instant) -> bool {
        let age = now - self.at;
        age < LONGEST && (age < self.took * PAUSE || self.is_unread())
    }

    /// Whether a response still contains it.
    fn is_unread(&self) -> bool {
        let is_unique = |bytes: &Bytes| bytes.is_unique();
        !self.body.is_unique() || !self.compressed.get().is_none_or(is_unique)
    }

    /// The page as the body of a response.
    pub(crate) fn respond(&self, mut response: HttpResponseBuilder) -> HttpResponse {
        response.body(self.body.clone())
    }

    /// [`Self::respond`], compressed if the client accepts it.
    pub(crate) async fn respond_compressed(
        &self,
        request: &HttpRequest,
        compressors: &web::Data<Compressors>,
        mut response: HttpResponseBuilder,
    ) -> HttpResponse {
        response.insert_header((VARY, ACCEPT_ENCODING.as_str()));
        if self.body.len() >= gzip::MIN_SIZE && gzip::is_accepted(request) {
            let compress = || Compressors::compress(compressors.clone(), self.body.clone());
            match self.compressed.get_or_try_init(compress).await {
                Ok(compressed) => {
                    response.insert_header((CONTENT_ENCODING, GZIP));
                    return response.body(compressed.clone());
                }
                Err(error) => compressors.log_failure(&error),
            }
        }
        response.body(self.body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn get(page: &SharedPage, variant: &str, text: &str) -> Arc<Rendered> {
        let render = || Ok::<_, Infallible>(text.to_owned());
        page.get(variant.to_owned(), render).unwrap()
    }

    #[test]
    fn a_page_that_a_client_has_not_read_is_shared() {
        let page = SharedPage::default();
        let unread = get(&page, "", "first").body.clone();
        assert_eq!(get(&page, "", "second").body.as_ptr(), unread.as_ptr());
        assert_eq!(get(&page, "other", "other").body, "other");
        let compressed = Bytes::from(vec![1]);
        let last = get(&page, "", "third");
        last.compressed.set(compressed.clone()).unwrap();
        assert_eq!(get(&page, "", "fourth").body, "third");
    }

    #[test]
    fn a_page_is_rendered_again_once_all_clients_have_read_it() {
        let rendered = Rendered {
            variant: String::new(),
            body: Bytes::from(vec![b'x'; 9]),
            compressed: OnceCell::new(),
            at: Instant::now(),
            took: Duration::from_millis(10),
        };
        let after = |millis| rendered.at + Duration::from_millis(millis);
        assert!(rendered.is_current(after(39)), "it takes long to render");
        assert!(!rendered.is_current(after(40)));
        let unread = rendered.body.clone();
        assert!(rendered.is_current(after(999)));
        assert!(!rendered.is_current(after(1000)));
        drop(unread);
    }
}
