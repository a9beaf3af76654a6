// A self-signed RSA certificate made on the spot, so that no key lies in the repository.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface SelfSigned {
  readonly pem: string;
  readonly privateKey: KeyObject;
}

/** `from` and `to`: `YYMMDDhhmmssZ`. */
export function selfSigned(validity: { readonly from: string; readonly to: string }): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const algorithm = sequence(objectId("2a864886f70d01010b"), tagged(0x05, Buffer.alloc(0)));
  const name = sequence(
    tagged(0x31, sequence(objectId("550403"), tagged(0x0c, Buffer.from("sns.test.invalid")))),
  );
  const content = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(tagged(0x17, Buffer.from(validity.from)), tagged(0x17, Buffer.from(validity.to))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.from([0]), sign("RSA-SHA256", content, privateKey)]));
  const der = sequence(content, algorithm, signature).toString("base64");
  const lines = der.match(/.{1,64}/g)?.join("\n");
  return { pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, privateKey };
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));

const objectId = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, "hex"));
