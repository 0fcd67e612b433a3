"""`image build`, `image inspect`: model versions as container images, made without Docker unless it is asked for."""

import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output
from clipper_sls.errors import InvalidSettingError

if TYPE_CHECKING:
    from clipper_sls.bootstrap.images import DockerBuild
    from clipper_sls.domain.image.references import Reference
    from clipper_sls.domain.image.report import ImageReport

group = typer.Typer(no_args_is_help=True, help="Make container images of model versions, with or without Docker.")

DEFAULT_PLATFORM = "linux/amd64"
SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
SIZE_STEP = 1000
Place = Annotated[
    str, typer.Argument(metavar="REF-OR-PATH", help="A name in a registry, or what --output has written.")
]


@group.command()
def build(
    function: Annotated[str, typer.Argument(help="MODULE:FUNCTION, found from the working directory.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version.")],
    input_type: options.InputType,
    package: Annotated[list[str] | None, typer.Option("--package", "-p", help="As for pip; may come again.")] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REF", help="Image to build on.", show_default="python:3.x-slim")
    ] = None,
    platform: Annotated[str, typer.Option(help="linux/amd64 or linux/arm64.")] = DEFAULT_PLATFORM,
    push: Annotated[str | None, typer.Option(metavar="REF", help="Push it to this repository and tag.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR-OR-TAR", help="Write it there, as an OCI image layout.")
    ] = None,
    with_docker: Annotated[
        bool,
        typer.Option(
            "--docker/--no-docker",
            help="Have a Docker engine install the packages inside the base, for those that have no wheel, and keep "
            "the image as NAME:VERSION. Without it nothing is needed, and nothing is compiled.",
        ),
    ] = False,
    builder: Annotated[
        str | None,
        typer.Option(metavar="REF", help="With --docker: image with compilers to install in.", show_default="the base"),
    ] = None,
    build_network: Annotated[
        str | None,
        typer.Option(metavar="NETWORK", help="With --docker: network of the build.", show_default="the engine's"),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Do not sign it; it runs with CLIPPER_ALLOW_UNSIGNED=1 only.")
    ] = False,
    max_size_bytes: Annotated[
        int | None, typer.Option(help="Fail when it has more, compressed.", show_default="10 GiB")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make an image of a Python function with all it needs: for AWS Lambda, ECS, and wherever containers run."""
    from clipper_sls.bootstrap.images import DockerBuild
    from clipper_sls.cli.function_source import load_function
    from clipper_sls.domain.identifiers import ModelId
    from clipper_sls.domain.image.platforms import Platform
    from clipper_sls.domain.image.references import Reference
    from clipper_sls.packaging.bundling import bundle_closure

    if push is None and output is None and not with_docker:
        raise InvalidSettingError("Say where the image should go: --push REF, or --output DIR-OR-TAR, or both")
    if not with_docker and (builder or build_network):
        raise InvalidSettingError("--builder and --build-network are for builds with --docker")
    target = None if push is None else Reference.parse(push)
    model = ModelId.of(name, version)
    Platform.parse(platform)
    loaded = load_function(function)
    out = Output(as_json)
    with out.progress(f"Building {model} ..."), tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder:
        bundle = Path(folder) / "bundle"
        bundle_closure(
            loaded,
            name=model.name,
            version=model.version,
            input_type=input_type,
            pkgs_to_install=package or (),
            destination=bundle,
        )
        docker = DockerBuild(network=build_network, builder=builder, tell=out.note) if with_docker else None
        document = _built(
            _Source(bundle, base, platform, max_size_bytes, is_signed=not unsigned), docker, target, output
        )
    places = " and ".join(str(document[key]) for key in ("reference", "output", "image") if key in document)
    out.done(f"Built {model}, {readable(document['size_bytes'])}, {document['digest']}: {places}", document)


@dataclass(frozen=True, slots=True)
class _Source:
    """What an image is made of, as far as the command was told; the bundle's folder is one among others."""

    bundle: Path
    base: str | None
    platform: str
    max_size_bytes: int | None
    is_signed: bool


def _built(
    source: "_Source", docker: "DockerBuild | None", target: "Reference | None", output: Path | None
) -> dict[str, Any]:
    from clipper_sls.bootstrap.images import image_builder, image_context
    from clipper_sls.config.settings import Settings
    from clipper_sls.domain.image.model_config import name_in_engine
    from clipper_sls.domain.image.report import check_budget
    from clipper_sls.packaging.signing import Signer

    settings, bundle = Settings.load(max_image_bytes=source.max_size_bytes), source.bundle
    is_signed = source.is_signed
    signer = Signer(settings.signing_key.expanduser(), settings.code_revision).sign(bundle) if is_signed else None
    context = image_context(bundle, source.base, source.platform, bundle.parent, signer)
    with image_builder(settings.environment_timeout_s, docker=docker) as builder:
        if target is not None:
            builder.reach(target)
        image = builder.build(context)
        check_budget(image.report, settings.max_image_bytes, f"{context.manifest.name}:{context.manifest.version}")
        document: dict[str, Any] = {"digest": image.digest, "size_bytes": image.size_bytes}
        document["bundle_digest"] = context.manifest.digest
        document["signed_by"] = None if signer is None else str(signer)
        if target is not None:
            document["reference"] = str(builder.push(image, target))
        if output is not None:
            builder.save(image, output)
            document["output"] = str(output)
        if docker is not None:
            document["image"] = name_in_engine(context.manifest)
    return document


@group.command()
def inspect(
    image: Place,
    platform: Annotated[str | None, typer.Option(help="Which one, of an image for several.")] = None,
    sbom: Annotated[bool, typer.Option("--sbom", help="Print its bill of materials instead, CycloneDX JSON.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show how large an image is, layer by layer and package by package, without fetching its layers."""
    from clipper_sls.bootstrap.images import image_bill, inspect_image

    out = Output(as_json)
    if sbom:
        with out.progress(f"Reading {image} ..."):
            bill = image_bill(image, platform)
        return out.lines([bill.decode()])
    with out.progress(f"Reading {image} ..."):
        report = inspect_image(image, platform)
    if as_json:
        return out.document(_document(report))
    head = {"digest": report.digest, "platform": report.platform, "size": readable(report.size_bytes)}
    out.fields({**head, **report.labels})
    _table(out, ("layer", "compressed", "digest"), ((one.kind, one.size_bytes, one.digest) for one in report.layers))
    _table(out, ("package", "unpacked"), report.packages.items())
    return None


@group.command()
def verify(
    image: Place,
    platform: Annotated[str | None, typer.Option(help="Which one, of an image for several.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="PUBLIC-KEY", help="Who may have signed it, beside you and trusted_keys; may come again."),
    ] = None,
    allow_unsigned: Annotated[bool, typer.Option("--allow-unsigned", help="Whoever has signed it, or nobody.")] = False,
    as_json: options.Json = False,
) -> None:
    """Compare an image with its signature, its lock and its bill of materials, rebuild it, and compare again."""
    from clipper_sls.bootstrap.image_verification import verify_image
    from clipper_sls.bootstrap.trust import trust
    from clipper_sls.config.settings import Settings
    from clipper_sls.domain.trust import Trust, parse_keys

    settings, out = Settings.load(), Output(as_json)
    keys = (*trust(settings).keys, *parse_keys(" ".join(key or ())))
    with out.progress(f"Verifying {image} ..."):
        trusted = Trust(keys, allow_unsigned or settings.allow_unsigned)
        result = verify_image(image, platform, trusted, settings.environment_timeout_s)
    is_good = not result.differences
    if as_json:
        out.document({**asdict(result), "verified": is_good})
    else:
        out.table(("part", "outcome", "detail"), ((one.part, one.outcome, one.detail) for one in result.checks))
    result.raise_for_differences()
    if not as_json:
        out.note(f"{image} is what it says, {result.digest}")


def _document(report: "ImageReport") -> dict[str, Any]:
    packages = [{"name": name, "size_bytes": size_bytes} for name, size_bytes in report.packages.items()]
    return {**asdict(report), "packages": packages}


def _table(out: Output, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Each row has a name and a number of bytes, and what else there is."""
    shown = [(name, readable(size_bytes), *rest) for name, size_bytes, *rest in rows]
    if shown:
        out.lines([""])
        out.table(columns, shown, right=columns[1:2])


def readable(size_bytes: float) -> str:
    """Three digits and a unit, in steps of a thousand, as Docker shows sizes."""
    for unit in SIZE_UNITS[:-1]:
        if size_bytes < SIZE_STEP - 0.5:  # what would be shown as 1e+03
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= SIZE_STEP
    return f"{size_bytes:.3g} {SIZE_UNITS[-1]}"
