// How a verdict looks: a colour, a texture and a letter, so that no single one of them has to be seen.
// repaired: level lines; absent: dots; failed: diagonal strokes; missing: solid; present: plain and quiet.
function texture(name, ink, mark, ratio) {
  const size = 6, tile = document.createElement("canvas");
  tile.width = tile.height = size * ratio;
  const draw = tile.getContext("2d");
  draw.scale(ratio, ratio);
  draw.fillStyle = ink;
  draw.fillRect(0, 0, size, size);
  draw.fillStyle = draw.strokeStyle = mark;
  draw.globalAlpha = 0.8;
  if (name === "repaired") draw.fillRect(0, 2, size, 1.5);
  if (name === "absent") { draw.fillRect(1, 1, 1.6, 1.6); draw.fillRect(4, 4, 1.6, 1.6); }
  if (name === "failed") {
    draw.lineWidth = 1.5;
    draw.beginPath();
    for (const from of [-size, 0, size]) { draw.moveTo(from, size); draw.lineTo(from + size, 0); }
    draw.stroke();
  }
  return tile;
}

// A canvas that fills its scrolling box and is drawn anew when it scrolls, is resized or changes theme.
class Sheet {
  constructor(box, paint) {
    Object.assign(this, { box, reach: box.querySelector(".reach"), canvas: box.querySelector("canvas"), paint });
    this.draw = this.canvas.getContext("2d");
    const again = () => this.request();
    box.addEventListener("scroll", again, { passive: true });
    box.addEventListener("focus", again);
    box.addEventListener("blur", again);
    new ResizeObserver(again).observe(box);
    document.addEventListener("themechange", again);
  }

  // The size of the whole drawing, of which the box shows a part.
  extent(width, height) {
    this.reach.style.width = width + "px";
    this.reach.style.height = height + "px";
    this.request();
  }

  request() {
    this.asked ??= requestAnimationFrame(() => { this.asked = null; this.now(); });
  }

  now() {
    const { box, canvas, draw } = this, ratio = Math.max(1, devicePixelRatio || 1);
    const width = Math.max(1, Math.min(box.clientWidth, this.reach.offsetWidth));
    const height = Math.max(1, Math.min(box.clientHeight, this.reach.offsetHeight));
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = width + "px";
      canvas.style.height = height + "px";
    }
    draw.setTransform(ratio, 0, 0, ratio, 0, 0);
    const palette = colours();
    draw.fillStyle = palette.card;
    draw.fillRect(0, 0, width, height);
    draw.font = getComputedStyle(document.body).font.replace(/[\d.]+px/, "12px");
    draw.textBaseline = "middle";
    this.paint({ draw, width, height, left: box.scrollLeft, top: box.scrollTop, palette, fills: fillsFor(draw, palette, ratio),
      focused: document.activeElement === box });
  }
}

function fillsFor(draw, palette, ratio) {
  return VERDICTS.map((name) => {
    if (name === "present" || name === "missing") return palette[name];
    const pattern = draw.createPattern(texture(name, palette[name], palette.mark, ratio), "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  });
}

// A session's cell: present behind, and from the floor the worst verdict first. A mark's height is the
// square root of its share, and never less than a quarter of the cell: one lost minute must be seen.
function paintCell(draw, fills, counts, x, y, width, height, least = Math.max(height / 4, 2)) {
  draw.fillStyle = fills[0];
  draw.fillRect(x, y, width, height);
  const expected = counts.reduce((sum, n) => sum + n, 0);
  let floor = y + height;
  for (let v = 4; v > 0 && floor > y; v--) {
    if (!counts[v]) continue;
    const tall = counts[v] === expected ? height : Math.min(floor - y, Math.max(height * Math.sqrt(counts[v] / expected), least));
    draw.fillStyle = fills[v];
    draw.fillRect(x, floor - tall, width, tall);
    floor -= tall;
  }
}

const worst = (counts) => { for (let v = 4; v > 0; v--) if (counts[v]) return v; return 0; };

// The legend's swatches are drawn by the same code as the map.
function swatch(v) {
  const canvas = element("canvas", { class: "swatch", "aria-hidden": "true" }), ratio = 2;
  canvas.width = canvas.height = 18 * ratio;
  const paint = () => {
    const draw = canvas.getContext("2d"), palette = colours();
    draw.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw.fillStyle = fillsFor(draw, palette, ratio)[v];
    draw.fillRect(0, 0, 18, 18);
    draw.font = "bold 12px system-ui, sans-serif";
    draw.textAlign = "center";
    draw.textBaseline = "middle";
    letter(draw, palette, v, 9, 9.5);
  };
  paint();
  document.addEventListener("themechange", paint);
  return canvas;
}

// A verdict's letter, on a plate of its own so that the texture does not eat it.
function letter(draw, palette, v, x, y) {
  draw.fillStyle = v ? palette[VERDICTS[v]] : palette.present;
  draw.fillRect(x - 5, y - 6.5, 10, 13);
  draw.fillStyle = v ? palette.mark : palette.ink;
  draw.fillText(LETTERS[v], x, y);
}

const verdictLabel = (v) => element("span", { class: "verdict" }, swatch(v), VERDICTS[v]);
