// Draws a text as a QR in an <svg>: black on white, with its quiet zone, in alphanumeric mode.

import { correction, generate, mode } from "/static/vendor/lean-qr/index.mjs";

const QUIET_ZONE = 4; // modules on each side, ISO/IEC 18004

/** Draw `text` in `svg`, whose one <path> holds the black modules. */
export function drawQr(svg, text) {
  // Level L: a bright screen is never torn or smudged, and fewer modules are each drawn larger.
  const code = generate(mode.alphaNumeric(text), { minCorrectionLevel: correction.L });
  const side = code.size + 2 * QUIET_ZONE;
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.querySelector("path").setAttribute("d", blackModules(code));
}

function blackModules(code) {
  let path = "";
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      const begins = x;
      while (code.get(x, y)) {
        x += 1;
      }
      if (x > begins) {
        const width = x - begins;
        path += `M${begins + QUIET_ZONE} ${y + QUIET_ZONE}h${width}v1h-${width}z`;
      }
    }
  }
  return path;
}
