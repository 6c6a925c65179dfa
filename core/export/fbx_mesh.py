"""Skinned meshes of FBX files, and what they are painted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.export.fbx_file import Node, node
from core.export.fbx_rig import Rig
from core.export.fbx_scene import Scene, properties

_VERSION = node("Version", 101)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A mesh on N bones, as they rest."""

    name: str
    vertices: np.ndarray
    """(V, 3), centimeters."""
    normals: np.ndarray
    """(V, 3)."""
    faces: np.ndarray
    """(F, 3)."""
    bones: np.ndarray
    """Of a rig, on which each vertex hangs, (V, K)."""
    weights: np.ndarray
    """(V, K)."""
    paints: tuple[int, ...]
    """Materials by their numbers in the scene."""
    painted: np.ndarray | None = None
    """Which of those each face has, (F,); None where all have the first."""
    colors: np.ndarray | None = None
    """Of vertices, (V, 3), shares of 1, sRGB."""
    spots: np.ndarray | None = None
    """Of vertices in pictures, (V, 2), shares of these from their lower left."""


def add_picture(scene: Scene, name: str, data: bytes) -> int:
    """Add a picture, packed as it is into the file; return the number of what shows it."""
    path = properties(("Path", "KString", "XRefUrl", "", name))
    file = node("Filename", name), node("RelativeFilename", name)
    content = node("Content", data)
    video = scene.add("Video", name, "Clip", node("Type", "Clip"), path, *file, content, to=None)
    shown = properties(("UseMaterial", "bool", "", "", 1))
    parts = node("Type", "TextureVideoClip"), node("Version", 202), shown
    names = node("FileName", name), node("RelativeFilename", name)
    texture = scene.add("Texture", name, "", *parts, *names, to=None)
    scene.link(video, texture)
    return texture


def add_paint(
    scene: Scene, name: str, color: Sequence[float], picture: int | None = None, opacity: float = 1
) -> int:
    """Add a material of one color (sRGB), or with a picture; return its number."""
    told = [("DiffuseColor", "Color", "", "A", *color)]
    if opacity < 1:
        told.append(("TransparencyFactor", "Number", "", "A", 1.0 - opacity))
        told.append(("Opacity", "Number", "", "A", opacity))
    model = node("ShadingModel", "lambert")
    paint = scene.add("Material", name, "", model, properties(*told), to=None)
    if picture is not None:
        scene.link(picture, paint, "DiffuseColor")
    return paint


def add_surface(
    scene: Scene, rig: Rig, bones: Sequence[int], surface: Surface, about: dict[str, str]
) -> int:
    """Add a mesh, skinned to bones, with what is said about it; return its number."""
    index = "DefaultAttributeIndex", "int", "Integer", "", 0
    told = ((name, "KString", "", "U", value) for name, value in about.items())
    mesh = scene.add("Model", surface.name, "Mesh", node("Version", 232), properties(index, *told))
    for paint in surface.paints:
        scene.link(paint, mesh)
    geometry = scene.add("Geometry", surface.name, "Mesh", *_shape(surface), to=mesh)
    skin = scene.add("Deformer", "Skin", "Skin", _VERSION, to=geometry)
    owners, weights = surface.bones.ravel(), surface.weights.astype(np.float64).ravel()
    kept = np.flatnonzero(weights > 0)
    kept = kept[np.argsort(owners[kept], kind="stable")]
    used, firsts = np.unique(owners[kept], return_index=True)
    matrices = rig.matrices()
    for row, held in zip(used.tolist(), np.split(kept, firsts[1:]), strict=True):
        parts = (
            node("Version", 100),
            node("Indexes", (held // surface.bones.shape[1]).astype(np.int32)),
            node("Weights", weights[held]),
            node("Transform", np.linalg.inv(matrices[row]).ravel()),
            node("TransformLink", matrices[row].ravel()),
        )
        name = rig.names[row]
        cluster = scene.add("Deformer", name, "Cluster", *parts, to=skin, is_a="SubDeformer")
        scene.link(bones[row], cluster)
    return mesh


def _shape(surface: Surface) -> list[Node]:
    """Vertices, triangles and layers of a mesh."""
    corners = surface.faces.astype(np.int32)

    def layer(kind: str, each: str, how: str, *parts: Node) -> Node:
        told = node("MappingInformationType", each), node("ReferenceInformationType", how)
        return node(f"LayerElement{kind}", 0, _VERSION, node("Name", ""), *told, *parts)

    corner, indexed = "ByPolygonVertex", "IndexToDirect"
    layers = [layer("Normal", corner, "Direct", node("Normals", surface.normals[corners].ravel()))]
    if surface.colors is not None:
        opaque = np.concatenate([surface.colors, np.ones((len(surface.colors), 1))], axis=1)
        colors = node("Colors", opaque.ravel()), node("ColorIndex", corners.ravel())
        layers.append(layer("Color", corner, indexed, *colors))
    if surface.spots is not None:
        spots = node("UV", surface.spots.ravel()), node("UVIndex", corners.ravel())
        layers.append(layer("UV", corner, indexed, *spots))
    painted = np.zeros(1, np.int32) if surface.painted is None else surface.painted.astype(np.int32)
    each = "AllSame" if surface.painted is None else "ByPolygon"
    layers.append(layer("Material", each, indexed, node("Materials", painted)))
    used = (node("LayerElement", node("Type", one.name), node("TypedIndex", 0)) for one in layers)
    # the last corner of a polygon is written as its complement
    ends = np.array([0, 0, -1], np.int32)
    return [
        node("GeometryVersion", 124),
        node("Vertices", surface.vertices.ravel()),
        node("PolygonVertexIndex", (corners ^ ends).ravel()),
        *layers,
        node("Layer", 0, node("Version", 100), *used),
    ]
