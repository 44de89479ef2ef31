#pragma once
// A Document by shape through a Writer: the one walk that JSON and XML answers share.
#include "nlohmann/json_fwd.hpp"
#include "server/model/shapes.hpp"
#include "server/model/writer.hpp"

namespace sagelet::wire {

/// An answer has no path and no query: members bound there (shapes that are input and output) are in its
/// body.
bool in_answer_body(const model::Member& member);

/// The members of `structure` that go into a body, attributes first, in the model's order. What the shape
/// does not have is left out, and so is a value of another type than its shape's: a wrong answer of ours is
/// never a crash.
void write_members(model::Writer& writer, const model::Shape& structure, const nlohmann::json& value);

}  // namespace sagelet::wire
