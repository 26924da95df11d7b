// Statements in ticket QRs (tickets/offline_door/statements.py): read, and believed if the shop signed them.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // base32, RFC 4648

export const CODE_LENGTH = 26;

// What a person typed → the code as stored (ticketsuma/codes.py).
export function normalizeCode(typed) {
  const narrow = typed.normalize("NFKC").toUpperCase();
  return narrow.replace(/[IL]/g, "1").replace(/O/g, "0").replace(/[- ]/g, "");
}

export const codeOf = (scanned) => normalizeCode(scanned.trim().split(".")[0]);

function fromBase32(text) {
  const bytes = [];
  let held = 0;
  let bits = 0;
  for (const sign of text) {
    const value = ALPHABET.indexOf(sign);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 255);
    held &= (1 << bits) - 1;
  }
  return new Uint8Array(bytes);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// WebCrypto's Ed25519, or the vendored library's in browsers that lack it.
async function isSigned(key, signature, text, library) {
  const said = new TextEncoder().encode(text);
  try {
    const known = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, known, signature, said);
  } catch (error) {
    if (error.name !== "NotSupportedError" && error.name !== "SyntaxError") throw error;
    const { verifyAsync } = await import(library);
    return verifyAsync(signature, said, key);
  }
}

// What a QR says and one of `keys` signed: {event, ticket, generation, opensDoor}; null for anything else.
export async function readStatement(scanned, keys, library) {
  const text = scanned.trim();
  const [, version, event, ticket, generation, door, key, signature, more] = text.split(".");
  const id = ticket && fromBase32(ticket);
  const signed = signature && fromBase32(signature);
  if (version !== "T1" || more !== undefined || !keys[key] || id?.length !== 16 || signed?.length !== 64) return null;
  const said = text.slice(0, text.lastIndexOf("."));
  if (!(await isSigned(fromBase64(keys[key]), signed, said, library).catch(() => false))) return null;
  return { event: Number(event), ticket: hex(id), generation: Number(generation), opensDoor: door === "1" };
}
