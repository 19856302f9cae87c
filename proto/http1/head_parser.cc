// Finding the head, copying it once, reading it twice.
#include "proto/http1/head_parser.h"

#include <algorithm>
#include <cstring>

#include "proto/http1/framing.h"
#include "proto/http1/head_reader.h"
#include "proto/http1/second_opinion.h"

namespace sluice::http1 {
namespace {
using http::Fault;
using http::fault;
using http::Parsed;

template <class Head>
std::string_view copy_into(std::string_view bytes, Head& into) {
  into.clear();
  return into.fields().keep(bytes);
}
}  // namespace

Parsed<std::size_t> HeadScanner::scan(std::string_view bytes) {
  if (!bytes.empty()) started_ = true;
  const std::string_view window = bytes.substr(0, limits_.head);
  for (;;) {
    // While the first line lasts, its own limit is the horizon; CRLF does not count against it.
    const std::size_t horizon =
        lines_ == 0 ? std::min<std::size_t>(window.size(), std::size_t{limits_.start_line} + 2) : window.size();
    const void* found = scanned_ < horizon ? std::memchr(window.data() + scanned_, '\n', horizon - scanned_) : nullptr;
    if (found == nullptr) {
      scanned_ = horizon;
      if (lines_ == 0 && bytes.size() >= std::size_t{limits_.start_line} + 2) return fault(Fault::kStartLineTooLong);
      if (bytes.size() >= limits_.head) return fault(Fault::kHeadTooLarge);
      return std::size_t{0};
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - window.data());
    if (at == line_start_ || window[at - 1] != '\r') return fault(Fault::kBareLf);
    const bool empty_line = at == line_start_ + 1;
    scanned_ = line_start_ = at + 1;
    if (empty_line) return at + 1;
    if (lines_ > limits_.fields) return fault(Fault::kTooManyFields);
    ++lines_;
  }
}

void HeadScanner::reset() {
  scanned_ = line_start_ = lines_ = 0;
  started_ = false;
}

Parsed<std::size_t> RequestParser::skip_empty_lines(std::string_view buffered) {
  std::size_t skip = 0;
  for (std::uint32_t lines = 0; buffered.substr(skip).starts_with("\r\n"); skip += 2)
    if (++lines > limits_.empty_lines) return fault(Fault::kTooManyEmptyLines);
  const std::string_view rest = buffered.substr(skip);
  if (rest.starts_with('\n')) return fault(Fault::kBareLf);
  if (rest.size() > 1 && rest.front() == '\r') return fault(Fault::kBareCr);
  return skip;
}

Parsed<std::size_t> RequestParser::parse(std::string_view buffered, http::RequestHead& into) {
  const Parsed<std::size_t> skip = skip_empty_lines(buffered);
  if (!skip) return skip;
  const std::string_view bytes = buffered.substr(*skip);
  if (bytes.empty() || bytes == "\r") return std::size_t{0};
  const Parsed<std::size_t> size = scanner_.scan(bytes);
  if (!size || *size == 0) return size;
  scanner_.reset();

  const std::string_view head = copy_into(bytes.substr(0, *size), into);
  if (const Parsed<> read = read_request(head, into); !read) return fault(read.error());
  switch (second_opinion(head, into)) {
    case Opinion::kSame:
      break;
    case Opinion::kFraming: {
      const Parsed<Framing> framing = request_framing(into);
      return fault(framing ? Fault::kParsersDisagree : framing.error());
    }
    case Opinion::kDifferent:
      return fault(Fault::kParsersDisagree);
  }
  if (const Parsed<> settled = into.settle_host(); !settled) return fault(settled.error());
  return *skip + *size;
}

Parsed<std::size_t> ResponseParser::parse(std::string_view buffered, http::ResponseHead& into) {
  if (buffered.empty()) return std::size_t{0};
  const Parsed<std::size_t> size = scanner_.scan(buffered);
  if (!size || *size == 0) return size;
  scanner_.reset();

  const std::string_view head = copy_into(buffered.substr(0, *size), into);
  if (const Parsed<> read = read_response(head, into); !read) return fault(read.error());
  switch (second_opinion(head, into)) {
    case Opinion::kSame:
      return *size;
    // A length that is no number, or is given twice, is refused even where no body follows: it names a broken origin.
    case Opinion::kFraming:
      return fault(into.fields().count(http::FieldId::kContentLength) > 1 ? Fault::kRepeatedContentLength
                                                                          : Fault::kBadContentLength);
    case Opinion::kDifferent:
      break;
  }
  return fault(Fault::kParsersDisagree);
}

}  // namespace sluice::http1
