#pragma once
// What a channel holds, in every S3DataType. Lists go by one object at a time or lie on disk: a channel may
// have millions.
#include <functional>

#include "runner/calls/s3.hpp"
#include "runner/inputs/order.hpp"
#include "runner/inputs/record_file.hpp"

namespace sagelet::runner {

/// An object, with the name it has below the channel's folder.
struct Item {
  S3Location from;
  std::string name;
  std::uint64_t size = 0;  ///< where a list told it
};

/// Items of one bucket on disk, found by number. Built by one thread, then read by many.
class ItemList {
 public:
  static Result<ItemList> make(const std::string& folder);
  Status add(const Item& item);
  /// After the last add().
  Status close() { return records_.close(); }
  std::uint32_t size() const { return records_.size(); }
  Result<Item> at(std::uint32_t i) const;
  Result<std::string> name_at(std::uint32_t i) const;
  /// By name, as bytes, each greater than the one before or equal.
  bool is_sorted() const { return sorted_; }
  Status sort_by_name();

 private:
  explicit ItemList(RecordFile records) : records_(std::move(records)) {}

  RecordFile records_;
  std::string bucket_, last_name_;
  bool sorted_ = true;
};

/// All objects of an S3Prefix or a ManifestFile, in key order or the manifest's. A manifest is put into
/// `scratch` meanwhile. None at all is an error.
Status each_item(S3& s3, const ChannelSpec& channel, const std::string& scratch,
                 const std::function<Status(Item)>& each);
/// The same as a list, of those that are `share`'s unshuffled; Order() leaves out none.
Result<ItemList> items_of(S3& s3, const ChannelSpec& channel, const Order& share, const std::string& scratch);
/// The lines of an AugmentedManifestFile, each checked to have the attributes.
Result<RecordFile> lines_of(S3& s3, const ChannelSpec& channel, const std::string& scratch);
/// How this host goes through them.
Order order_of(const JobSpec& spec, const ChannelSpec& channel);

}  // namespace sagelet::runner
