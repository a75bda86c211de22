"""Draws a street with moderngl: one texture array, one vertex buffer, a sun with shadows, a sky; and the object number of every pixel."""

from __future__ import annotations

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

from demo.ride.pose import FIELD_OF_VIEW_DEG, NEAR_M, Pose, camera_axes
from demo.ride.shapes import VERTEX_FLOATS
from demo.ride.street import Street

FAR_M, SEEN_M = 160.0, 95.0
SHADOW_SIZE, SHADOW_HALF_M = 2048, 42.0
F32 = npt.NDArray[np.float32]

VERTEX = """#version 330
in vec3 p; in vec3 n; in vec2 uv; in float layer; in vec3 tint; in float gloss; in float object;
uniform mat4 view; uniform mat4 sun_view; uniform vec3 shift;
out vec3 wp; out vec3 wn; out vec3 tex; out vec3 ti; out float gl; out vec4 sp; flat out int ob;
void main(){ vec3 q=p+shift; gl_Position = view*vec4(q,1); wp=q; wn=n; tex=vec3(uv,layer); ti=tint; gl=gloss; sp=sun_view*vec4(q,1); ob=int(object+0.5); }"""
FRAGMENT = """#version 330
in vec3 wp; in vec3 wn; in vec3 tex; in vec3 ti; in float gl; in vec4 sp; flat in int ob;
uniform sampler2DArray textures; uniform sampler2DShadow shadow; uniform vec3 eye; uniform vec3 sun; uniform vec3 sun_light; uniform vec3 horizon; uniform vec3 zenith;
out vec4 colour;
void main(){
  vec4 t = texture(textures, tex); if(t.a < 0.5) discard;
  vec3 albedo = pow(t.rgb, vec3(2.2)) * ti;
  vec3 toEye = normalize(eye-wp); vec3 n = normalize(wn); if(dot(n,toEye)<0.0) n=-n;
  vec3 s = sp.xyz*0.5+0.5; float lit=0.0;
  for(int i=0;i<4;i++){ vec2 o=vec2(float(i&1)-0.5,float(i>>1)-0.5)*1.3/2048.0; lit += texture(shadow, vec3(s.xy+o, s.z-0.0012)); }
  lit*=0.25; if(any(greaterThan(abs(sp.xyz),vec3(1.0)))) lit=1.0;
  float d = max(dot(n,sun),0.0)*lit;
  float low = clamp(wp.z/2.6,0.0,1.0);
  float closed = mix(0.62,1.0,low) * mix(0.8,1.0,clamp((9.5-abs(wp.y))/4.0,0.0,1.0));
  vec3 sky = mix(horizon*0.55, mix(zenith,vec3(dot(zenith,vec3(0.33))),0.45)*1.05+0.16, n.z*0.5+0.5)*closed;
  vec3 c = albedo*(sun_light*d + sky + vec3(0.05,0.045,0.04));
  vec3 r = reflect(-toEye,n); float f = pow(1.0-max(dot(n,toEye),0.0),4.0);
  c += gl*(0.12+0.7*f)*mix(horizon,zenith,clamp(r.z,0.0,1.0))*closed;
  c += gl*pow(max(dot(r,sun),0.0),60.0)*sun_light*lit;
  float fog = 1.0-exp(-0.0035*length(eye-wp));
  colour = vec4(mix(c, horizon*0.92, fog),1);
}"""
ID_FRAGMENT = """#version 330
in vec3 tex; flat in int ob; in vec3 wp; in vec3 wn; in vec3 ti; in float gl; in vec4 sp;
uniform sampler2DArray textures; out vec4 colour;
void main(){ if(texture(textures,tex).a<0.5) discard; colour=vec4(float(ob%256)/255.0,float(ob/256)/255.0,0,1); }"""
DEPTH_FRAGMENT = """#version 330
in vec3 tex; flat in int ob; in vec3 wp; in vec3 wn; in vec3 ti; in float gl; in vec4 sp;
uniform sampler2DArray textures; void main(){ if(texture(textures,tex).a<0.5) discard; }"""
SKY_VERTEX = """#version 330
in vec2 q; out vec2 at; void main(){ gl_Position=vec4(q,0.9999,1); at=q; }"""
SKY_FRAGMENT = """#version 330
in vec2 at; uniform vec3 right; uniform vec3 up; uniform vec3 ahead; uniform vec3 horizon; uniform vec3 zenith; uniform float cloudy; out vec4 colour;
float h(vec2 p){ return fract(sin(dot(p,vec2(127.1,311.7)))*43758.5453); }
float v(vec2 p){ vec2 i=floor(p),f=fract(p); f=f*f*(3.0-2.0*f); return mix(mix(h(i),h(i+vec2(1,0)),f.x),mix(h(i+vec2(0,1)),h(i+vec2(1,1)),f.x),f.y); }
void main(){ vec3 d=normalize(ahead+at.x*right+at.y*up); float t=pow(clamp(d.z,0.0,1.0),0.55);
  vec2 c=d.xy/max(d.z,0.05)*0.9; float k=0.5*v(c)+0.25*v(c*2.1)+0.125*v(c*4.3);
  colour=vec4(mix(mix(horizon,zenith,t),vec3(0.93),cloudy*smoothstep(0.42,0.7,k)*clamp(d.z*4.0,0.0,1.0)),1); }"""


class Renderer:
    """Draws one street at one size. Needs EGL (Mesa's software renderer is enough)."""

    def __init__(self, street: Street, width: int = 960, height: int = 540, supersample: float = 2.0) -> None:
        self.street, self.width, self.height = street, width, height
        self.context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        gl = self.context
        rows = street.vertices.reshape(-1, 3, VERTEX_FLOATS)
        drives = np.isin(rows[:, 0, 13], list(street.moving))
        moving, rows = rows[drives], rows[~drives]
        order = np.argsort(rows[:, :, 0].mean(axis=1), kind="stable")
        self.vertices = np.ascontiguousarray(rows[order])
        self.starts = self.vertices[:, :, 0].mean(axis=1)
        buffer = gl.buffer(self.vertices.tobytes())
        layout = "3f 3f 2f 1f 3f 1f 1f"
        names = ("p", "n", "uv", "layer", "tint", "gloss", "object")
        self.programs = {
            kind: gl.program(VERTEX, fragment)
            for kind, fragment in (("colour", FRAGMENT), ("id", ID_FRAGMENT), ("depth", DEPTH_FRAGMENT))
        }
        self.arrays = {kind: _array(gl, program, buffer, layout, names) for kind, program in self.programs.items()}
        self.moving = {
            thing: {
                kind: _array(
                    gl, self.programs[kind], gl.buffer(moving[moving[:, 0, 13] == thing].tobytes()), layout, names
                )
                for kind in ("colour", "id")
            }
            for thing in street.moving
        }
        self.sky = gl.program(SKY_VERTEX, SKY_FRAGMENT)
        self.sky_array = gl.vertex_array(
            self.sky, [(gl.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32).tobytes()), "2f", "q")]
        )
        layers = street.textures.array()
        texture = gl.texture_array((layers.shape[2], layers.shape[1], layers.shape[0]), 4, layers.tobytes())
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.use(0)
        self.keep = texture
        depth = gl.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        depth.compare_func = "<="
        depth.use(1)
        self.shadow = gl.framebuffer(depth_attachment=depth)
        big = (int(width * supersample), int(height * supersample))
        self.screen = gl.framebuffer([gl.texture(big, 3, dtype="f2")], gl.depth_renderbuffer(big))
        self.number = gl.framebuffer([gl.texture((width, height), 4)], gl.depth_renderbuffer((width, height)))
        gl.enable(moderngl.DEPTH_TEST)
        self.shadow_at: float | None = None

    def draw(self, pose: Pose, t_s: float = 0.0) -> npt.NDArray[np.uint8]:
        """The picture at a pose and an instant of the ride, uint8 BGR. What moves throws no shadow."""
        self._draw_shadow(pose)
        axes, street = camera_axes(pose), self.street
        program = self.programs["colour"]
        eye = (pose.x_m, pose.y_m, pose.z_m)
        strength = 2.1 - 1.2 * min(1.0, max(0.0, (street.sky[1][0] - 0.36) / 0.28))
        for name, value in (
            ("eye", eye),
            ("sun", street.sun),
            ("sun_light", (strength, strength * 0.95, strength * 0.86)),
            ("horizon", street.sky[0]),
            ("zenith", street.sky[1]),
        ):
            program[name] = value
        program["textures"], program["shadow"] = 0, 1
        program["view"] = _columns(self._view(pose))
        program["sun_view"] = _columns(self.sun_view)
        self.screen.use()
        self.screen.clear(0, 0, 0, depth=1.0)
        tan = np.tan(np.radians(FIELD_OF_VIEW_DEG / 2))
        for name, value in (
            ("right", axes[0] * tan),
            ("up", -axes[1] * tan * self.height / self.width),
            ("ahead", axes[2]),
            ("horizon", street.sky[0]),
            ("zenith", street.sky[1]),
        ):
            self.sky[name] = tuple(map(float, value))
        self.sky["cloudy"] = 0.8
        self.context.disable(moderngl.DEPTH_TEST)
        self.sky_array.render()
        self.context.enable(moderngl.DEPTH_TEST)
        self._render("colour", pose)
        self._render_moving("colour", t_s)
        raw = (
            np.frombuffer(self.screen.read(components=3, dtype="f2"), np.float16)
            .reshape(*self.screen.size[::-1], 3)[::-1]
            .astype(np.float32)
        )
        if not np.isfinite(raw).all():
            raise FloatingPointError("the renderer produced a pixel that is not finite")
        raw = np.asarray(cv2.resize(raw, (self.width, self.height), interpolation=cv2.INTER_AREA), np.float32)
        mapped = raw * (2.51 * raw + 0.03) / (raw * (2.43 * raw + 0.59) + 0.14)
        return (np.clip(mapped, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)[..., ::-1].copy()

    def ids(self, pose: Pose, t_s: float = 0.0) -> npt.NDArray[np.int32]:
        """The number of the object seen at each pixel, 0 for the street itself."""
        self.programs["id"]["textures"] = 0
        self.programs["id"]["view"] = _columns(self._view(pose))
        self.number.use()
        self.number.clear(0, 0, 0, 0, depth=1.0)
        self._render("id", pose)
        self._render_moving("id", t_s)
        raw = (
            np.frombuffer(self.number.read(components=4), np.uint8)
            .reshape(self.height, self.width, 4)[::-1]
            .astype(np.int32)
        )
        return raw[..., 0] + 256 * raw[..., 1]

    def _render(self, kind: str, pose: Pose, behind_m: float = 12.0, ahead_m: float = SEEN_M) -> None:
        first, last = np.searchsorted(self.starts, (pose.x_m - behind_m, pose.x_m + ahead_m))
        self.arrays[kind].render(vertices=3 * int(last - first), first=3 * int(first))

    def _render_moving(self, kind: str, t_s: float) -> None:
        for thing, arrays in self.moving.items():
            self.programs[kind]["shift"] = (self.street.shift_m(thing, t_s), 0.0, 0.0)
            arrays[kind].render()
        self.programs[kind]["shift"] = (0.0, 0.0, 0.0)

    def _view(self, pose: Pose) -> F32:
        axes = camera_axes(pose)
        world = np.eye(4)
        world[:3, :3] = np.stack([axes[0], -axes[1], -axes[2]])
        world[:3, 3] = -world[:3, :3] @ (pose.x_m, pose.y_m, pose.z_m)
        f = 1 / np.tan(np.radians(FIELD_OF_VIEW_DEG / 2))
        a, b = (FAR_M + NEAR_M) / (NEAR_M - FAR_M), 2 * FAR_M * NEAR_M / (NEAR_M - FAR_M)
        projection = np.array([[f, 0, 0, 0], [0, f * self.width / self.height, 0, 0], [0, 0, a, b], [0, 0, -1, 0]])
        return (projection @ world).T.astype(np.float32)

    def _draw_shadow(self, pose: Pose) -> None:
        middle = np.floor((pose.x_m + 24) / 8) * 8
        if self.shadow_at == middle:
            return
        self.shadow_at = float(middle)
        sun = np.asarray(self.street.sun)
        right = np.cross(sun, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        up = np.cross(right, sun)
        view = np.eye(4)
        view[:3, :3] = np.stack([right, up, sun])
        view[:3, 3] = -view[:3, :3] @ (middle, 0, 2)
        scale = np.diag([1 / SHADOW_HALF_M, 1 / SHADOW_HALF_M, -1 / 70.0, 1.0])
        self.sun_view = (scale @ view).T.astype(np.float32)
        self.programs["depth"]["textures"] = 0
        self.programs["depth"]["view"] = _columns(self.sun_view)
        self.shadow.use()
        self.shadow.clear(depth=1.0)
        self._render("depth", Pose(float(middle), 0, 0), 60.0, 60.0)


def _array(
    gl: moderngl.Context, program: moderngl.Program, buffer: moderngl.Buffer, layout: str, names: tuple[str, ...]
) -> moderngl.VertexArray:
    """A vertex array that skips the attributes a program does not use."""
    parts, used = [], []
    for part, name in zip(layout.split(), names, strict=True):
        if name in program:
            parts.append(part)
            used.append(name)
        else:
            parts.append(f"{4 * int(part[0])}x")
    return gl.vertex_array(program, [(buffer, " ".join(parts), *used)])


def _columns(matrix: F32) -> tuple[float, ...]:
    return tuple(matrix.ravel().tolist())
