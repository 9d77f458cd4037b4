// The messages of protobuf that every environment of cel-go knows, and what they are as types: wrappers are values that may be
// null, `Struct` is a map, `Value` anything. cel-go: common/types/types.go checkedWellKnowns, common/types/pb/pb.go.

import type { StructType } from "./library.ts";
import * as types from "./types.ts";
import type { SimpleKind, Type } from "./types.ts";

interface Message extends StructType {
  /** What a variable of this message is. */
  readonly type: Type;
}

const message = (name: string, type: Type, fields: Readonly<Record<string, Type>>): Message => ({
  name: `google.protobuf.${name}`,
  type,
  fields,
});

const wrapper = (name: string, kind: SimpleKind): Message =>
  message(name, { kind, nullable: true }, { value: { kind } });

const struct = types.mapOf(types.string, types.dyn);
const list = types.listOf(types.dyn);

const all: readonly Message[] = [
  message("Any", types.any, { type_url: types.string, value: types.bytes }),
  wrapper("BoolValue", "bool"),
  wrapper("BytesValue", "bytes"),
  wrapper("DoubleValue", "double"),
  wrapper("FloatValue", "double"),
  wrapper("Int32Value", "int"),
  wrapper("Int64Value", "int"),
  wrapper("StringValue", "string"),
  wrapper("UInt32Value", "uint"),
  wrapper("UInt64Value", "uint"),
  message("Duration", types.duration, { seconds: types.int, nanos: types.int }),
  message("Timestamp", types.timestamp, { seconds: types.int, nanos: types.int }),
  message("Empty", types.struct("google.protobuf.Empty"), {}),
  message("ListValue", list, { values: list }),
  message("Struct", struct, { fields: struct }),
  message("Value", types.dyn, {
    null_value: types.int,
    number_value: types.double,
    string_value: types.string,
    bool_value: types.bool,
    struct_value: struct,
    list_value: list,
  }),
];

export const messages: ReadonlyMap<string, Message> = new Map(all.map((one) => [one.name, one]));

/** Values of enums, which are ints. */
export const enums: ReadonlyMap<string, number> = new Map([["google.protobuf.NullValue.NULL_VALUE", 0]]);
