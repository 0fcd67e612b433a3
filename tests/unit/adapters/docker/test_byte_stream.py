from clipper_sls.adapters.docker.byte_stream import ByteStream


def test_pieces_are_read_as_one_file_whatever_their_sizes() -> None:
    stream = ByteStream(iter([b"abc", b"", b"defg", b"h"]))
    assert [stream.read(2), stream.read(3), stream.read(100), stream.read(1)] == [b"ab", b"c", b"defg", b"h"]
    assert stream.read(1) == b""


def test_it_is_read_to_its_end() -> None:
    with ByteStream([b"a" * 10, b"b" * 10]) as stream:
        assert stream.readall() == b"a" * 10 + b"b" * 10
