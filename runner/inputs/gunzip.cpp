#include "runner/inputs/gunzip.hpp"

#include <zlib.h>

#include <string>

namespace sagelet::runner {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

Error broken(const char* what) {
  return Error(ErrorKind::kInvalid, std::string("decompressing gzip: ") + what);
}

}  // namespace

struct Gunzip::State {
  State() { ready = ::inflateInit2(&stream, kGzipOnly) == Z_OK; }
  ~State() {
    if (ready) ::inflateEnd(&stream);
  }
  z_stream stream{};
  bool ready = false, within = false;  // a member
  std::string buffer = std::string(1 << 18, '\0');
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {}
Gunzip::~Gunzip() = default;

Status Gunzip::put(std::string_view bytes, const Sink& sink) {
  z_stream& stream = state_->stream;
  if (!state_->ready) return broken("no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  bool full = false;
  while (stream.avail_in > 0 || full) {
    stream.next_out = reinterpret_cast<Bytef*>(state_->buffer.data());
    stream.avail_out = static_cast<uInt>(state_->buffer.size());
    state_->within = true;
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return broken(stream.msg ? stream.msg : "damaged");
    const std::size_t made = state_->buffer.size() - stream.avail_out;
    if (made > 0) TRY(sink({state_->buffer.data(), made}));
    full = code == Z_OK && stream.avail_out == 0;
    if (code == Z_STREAM_END) {
      ::inflateReset2(&stream, kGzipOnly);
      state_->within = false;
    }
  }
  return {};
}

Status Gunzip::end() const {
  if (state_->within) return broken("the object ends too early");
  return {};
}

}  // namespace sagelet::runner
