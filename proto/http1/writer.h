// Heads, chunks and trailers as bytes of HTTP/1.1, into a Buffer.
//
// What is written was checked when it went into the head or the Fields (proto/http), so no line end can slip into a
// field; the writer only lays bytes out: it asks for the space once and copies. It writes the fields as they are, but
// for Host, which always comes from the head's authority, first, once: a request leaves with exactly one Host and it is
// the one that was routed by. Our own version, HTTP/1.1, is written whatever the version the message came in (RFC 9110
// section 2.5).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "proto/http/fields.h"
#include "proto/http/head.h"

namespace sluice::http1 {

/// Appends a request head. kOrigin becomes "*" for OPTIONS of the server as a whole; kAbsolute needs a scheme;
/// kAuthority is for CONNECT. Call declare_framing() and remove_hop_by_hop() before.
void write_request_head(Buffer& out, const http::RequestHead& head, http::TargetForm form);

/// Appends a response head.
void write_response_head(Buffer& out, const http::ResponseHead& head);

/// Appends "HTTP/1.1 100 Continue" and the empty line.
void write_continue(Buffer& out);

/// Appends a whole chunk. `data` must not be empty: an empty chunk would end the body.
void write_chunk(Buffer& out, std::string_view data);
/// Appends the line before a chunk of `size` bytes, for data that travels by itself; kChunkSuffix goes behind it.
void write_chunk_prefix(Buffer& out, std::uint64_t size);
inline constexpr std::string_view kChunkSuffix = "\r\n";
/// Appends the last chunk, the trailers and the final empty line.
void write_last_chunk(Buffer& out, const http::Fields& trailers);
void write_last_chunk(Buffer& out);

/// Most bytes that write_chunk_prefix() appends: 16 digits and CRLF.
inline constexpr std::size_t kChunkPrefixMax = 18;

}  // namespace sluice::http1
