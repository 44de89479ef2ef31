#include "runner/inputs/items.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "runner/inputs/keys.hpp"
#include "runner/inputs/manifest.hpp"

namespace sagelet::runner {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

Result<S3Location> place_of(const ChannelSpec& channel) {
  const auto place = S3Location::parse(channel.s3_uri);
  if (!place) return Error(ErrorKind::kInvalid, "not an S3 URI: " + channel.s3_uri);
  return *place;
}

Error nothing_under(const ChannelSpec& channel) {
  return Error(ErrorKind::kNotFound, "No S3 objects found under S3 URL \"" + channel.s3_uri + "\"");
}

Error bad_manifest(const ChannelSpec& channel, const Error& error) {
  return Error(error.kind(), fmt::format("invalid manifest {}: {}", channel.s3_uri, error.message()));
}

Status each_below(S3& s3, const S3Location& prefix, const std::function<Status(Item)>& each) {
  return s3.list(prefix, [&](std::vector<S3Object> page) -> Status {
    for (S3Object& object : page) {
      std::string name = local_name(prefix.key, object.key);
      if (name.empty() || is_placeholder(object.key, object.size)) continue;
      TRY(each({{prefix.bucket, std::move(object.key)}, std::move(name), object.size}));
    }
    return {};
  });
}

/// The manifest's text, on disk.
Result<File> text_of(S3& s3, const ChannelSpec& channel, const std::string& scratch) {
  TRY(const S3Location place, place_of(channel));
  TRY(UniqueFd fd, unnamed_file(scratch));
  TRY(s3.download(place, fd.get()));
  ::lseek(fd.get(), 0, SEEK_SET);
  File file(::fdopen(fd.get(), "r"));
  if (!file) return Error::last("fdopen");
  fd.release();
  return file;
}

Status each_in_manifest(S3& s3, const ChannelSpec& channel, const std::string& scratch,
                        const std::function<Status(Item)>& each) {
  TRY(const File text, text_of(s3, channel, scratch));
  Status of_item;  // what became of an entry, not what is wrong with the text
  const Status read = read_manifest(text.get(), [&](ManifestEntry entry) -> Status {
    std::string name = local_name("", entry.name.empty() ? entry.place.key : entry.name);
    return of_item = each({std::move(entry.place), std::move(name)});
  });
  TRY(std::move(of_item));
  return read ? Status() : Status(bad_manifest(channel, read.error()));
}

/// "<8 bytes: size><4 bytes: of the name><name><key>".
struct Head {
  std::uint64_t size;
  std::uint32_t name;
} __attribute__((packed));

Head head_of(std::string_view record) {
  Head head{};
  std::memcpy(&head, record.data(), std::min(sizeof head, record.size()));
  return head;
}

std::string_view name_in(std::string_view record) {
  return record.substr(sizeof(Head), head_of(record).name);
}

}  // namespace

Result<ItemList> ItemList::make(const std::string& folder) {
  TRY(RecordFile records, RecordFile::make(folder));
  return ItemList(std::move(records));
}

Status ItemList::add(const Item& item) {
  bucket_ = item.from.bucket;
  sorted_ = sorted_ && last_name_ <= item.name;
  last_name_ = item.name;
  const Head head{item.size, static_cast<std::uint32_t>(item.name.size())};
  std::string record(reinterpret_cast<const char*>(&head), sizeof head);
  return records_.add(record.append(item.name).append(item.from.key));
}

Result<Item> ItemList::at(std::uint32_t i) const {
  TRY(const std::string record, records_.at(i));
  const Head head = head_of(record);
  return Item{{bucket_, record.substr(sizeof head + head.name)}, std::string(name_in(record)), head.size};
}

Result<std::string> ItemList::name_at(std::uint32_t i) const {
  TRY(const std::string record, records_.at(i));
  return std::string(name_in(record));
}

Status ItemList::sort_by_name() {
  return records_.sort(
      [](std::string_view one, std::string_view other) { return name_in(one) < name_in(other); });
}

Status each_item(S3& s3, const ChannelSpec& channel, const std::string& scratch,
                 const std::function<Status(Item)>& each) {
  std::uint64_t count = 0;
  const auto counted = [&](Item item) -> Status {
    ++count;
    return each(std::move(item));
  };
  const bool manifest = channel.data_type == "ManifestFile";
  if (manifest) {
    TRY(each_in_manifest(s3, channel, scratch, counted));
  } else {
    TRY(const S3Location prefix, place_of(channel));
    TRY(each_below(s3, prefix, counted));
  }
  if (count > 0) return {};
  return manifest ? Error(ErrorKind::kInvalid, "the manifest " + channel.s3_uri + " lists no object")
                  : nothing_under(channel);
}

Result<ItemList> items_of(S3& s3, const ChannelSpec& channel, const Order& share,
                          const std::string& scratch) {
  TRY(ItemList list, ItemList::make(scratch));
  std::size_t i = 0;
  TRY(each_item(s3, channel, scratch,
                [&](const Item& item) -> Status { return share.is_mine(i++) ? list.add(item) : Status(); }));
  TRY(list.close());
  return list;
}

Result<RecordFile> lines_of(S3& s3, const ChannelSpec& channel, const std::string& scratch) {
  TRY(const File text, text_of(s3, channel, scratch));
  TRY(RecordFile lines, RecordFile::make(scratch));
  std::uint64_t number = 0;
  TRY(each_line(text.get(), [&](std::string_view line) -> Status {
    ++number;
    if (const auto values = attributes_of(line, channel.attribute_names); !values)
      return bad_manifest(channel, Error(values.error()).context(fmt::format("line {}", number)));
    return lines.add(line);
  }));
  if (lines.size() == 0)
    return Error(ErrorKind::kInvalid, "the manifest " + channel.s3_uri + " has no lines");
  TRY(lines.close());
  return lines;
}

Order order_of(const JobSpec& spec, const ChannelSpec& channel) {
  // Only the hosts of its instance groups share a channel.
  const std::vector<std::string>& hosts = channel.hosts.empty() ? spec.hosts : channel.hosts;
  Order order{.shuffle = channel.shuffle, .seed = channel.shuffle_seed};
  if (channel.distribution != "ShardedByS3Key") return order;
  order.hosts = std::max<std::size_t>(hosts.size(), 1);
  order.host =
      static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), spec.current_host) - hosts.begin());
  return order;
}

}  // namespace sagelet::runner
