#pragma once
// CBOR by shape, straight into a string. Lengths are indefinite: rows come one by one.
#include <string>
#include <string_view>
#include <vector>

#include "server/model/shapes.hpp"
#include "server/model/writer.hpp"

namespace sagelet::wire {

void append_cbor_text(std::string& out, std::string_view text);

/// Members that the shape does not have are written under the name they were given. finish() closes the
/// structure.
class CborWriter final : public model::Writer {
 public:
  CborWriter(std::string& out, const model::Shape* root);
  void member(std::string_view name) override;
  void begin_structure() override { open(false); }
  void end_structure() override { close(); }
  void begin_list() override { open(true); }
  void end_list() override { close(); }
  void text(std::string_view value) override;  ///< of a blob: bytes
  void integer(std::int64_t value) override;
  void real(double value) override;
  void boolean(bool value) override;
  void time(WallTime value) override;
  void finish() { close(); }

 private:
  struct Frame {
    const model::Shape* shape;
    bool list;
  };
  void open(bool list);
  void close();
  /// The shape of the value that follows; null: unknown.
  const model::Shape* next() const;

  std::string& out_;
  std::vector<Frame> frames_;
  const model::Member* member_ = nullptr;
};

}  // namespace sagelet::wire
