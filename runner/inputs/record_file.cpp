#include "runner/inputs/record_file.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kBuffer = 64u << 10;

template <class T>
std::string_view bytes_of(const T* first, std::size_t count) {
  return {reinterpret_cast<const char*>(first), count * sizeof(T)};
}

}  // namespace

Result<RecordFile> RecordFile::make(const std::string& folder) {
  RecordFile file;
  TRY(file.texts_, unnamed_file(folder));
  TRY(file.places_, unnamed_file(folder));
  return file;
}

Status RecordFile::append(const UniqueFd& file, std::string& buffer, std::string_view bytes,
                          std::uint64_t& end) {
  buffer += bytes;
  end += bytes.size();
  if (buffer.size() < kBuffer) return {};
  TRY(pwrite_all(file.get(), buffer, end - buffer.size()));
  buffer.clear();
  return {};
}

Status RecordFile::add(std::string_view text) {
  if (size_ == UINT32_MAX) return Error(ErrorKind::kNoSpace, "more than 4294967295 entries");
  const Place place{texts_end_, text.size()};
  TRY(append(texts_, text_buffer_, text, texts_end_));
  TRY(append(places_, place_buffer_, bytes_of(&place, 1), places_end_));
  ++size_;
  return {};
}

Status RecordFile::close() {
  TRY(pwrite_all(texts_.get(), text_buffer_, texts_end_ - text_buffer_.size()));
  TRY(pwrite_all(places_.get(), place_buffer_, places_end_ - place_buffer_.size()));
  text_buffer_ = place_buffer_ = std::string();
  return {};
}

Result<std::string> RecordFile::text_at(const Place& place) const {
  std::string text(place.length, '\0');
  TRY(pread_all(texts_.get(), text, place.offset));
  return text;
}

Result<std::string> RecordFile::at(std::uint32_t i) const {
  Place place{};
  TRY(pread_all(places_.get(), {reinterpret_cast<char*>(&place), sizeof place}, i * sizeof place));
  return text_at(place);
}

Status RecordFile::sort(const std::function<bool(std::string_view, std::string_view)>& less) {
  std::vector<Place> places(size_);
  TRY(pread_all(places_.get(), {reinterpret_cast<char*>(places.data()), size_ * sizeof(Place)}, 0));
  std::vector<std::uint32_t> order(size_);
  std::iota(order.begin(), order.end(), 0u);
  Status read;
  const auto text = [&](std::uint32_t i) {
    auto got = text_at(places[i]);
    if (got) return std::move(*got);
    read = got.error();
    return std::string();
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return less(text(a), text(b)); });
  TRY(std::move(read));
  places_end_ = 0;
  for (const std::uint32_t i : order)
    TRY(append(places_, place_buffer_, bytes_of(&places[i], 1), places_end_));
  return close();
}

}  // namespace sagelet::runner
