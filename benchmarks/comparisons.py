"""The one table of comparisons, in their order, and how a section of the result is made of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from benchmarks import batches, chains, clusters, commands, filters, folders, orders, ranks, training, ways
from benchmarks.measuring import Axis, Case, Section
from benchmarks.setting import Setting
from benchmarks.sides import Match, compare


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes
    ----------
    about
        What stands beside what, and how, in a few sentences; `{sizes.…}` stands for what was measured.
    matches
        Yields, for a setting, who runs in turn.
    """

    title: str
    about: str
    matches: Callable[[Setting], Iterable[Match]]
    axis: Axis | None = None

    def section(self, setting: Setting) -> Section:
        """Make the comparison.

        Raises
        ------
        SideFailedError
            If our own side fails.
        SkippedError
            If it cannot be made here.
        """
        cases, notes = list[Case](), list[str]()
        for match in self.matches(setting):
            rounds, said = compare(setting, match)
            cases += [quantity.case(rounds) for quantity in match.quantities]
            notes += said
        about = self.about.format(sizes=setting.sizes)
        return Section(self.title, about, tuple(cases), tuple(dict.fromkeys(notes)), self.axis)


COMPARISONS: Mapping[str, Comparison] = {
    "train": Comparison(
        "Training and inference",
        "Random images, Adam, cross-entropy; PyTorch in both memory layouts, and compiled, on a tensor that "
        "is already scaled; onnxruntime predicts alone. SEED has 4 convolutions and 3 dense layers (0.88 "
        "million parameters), SMALL 2 and 2 (0.05 million), both on MNIST's 28 × 28; CIFAR has 4 "
        "convolutions of 32, 32, 64 and 64 filters on colour images of 32 × 32, as examples/cifar10.toml is. "
        "From the first: with what a side does once, such as to compile. Arithmetic: multiply-adds counted, "
        "not measured (forward, "
        "gradient of the weights, gradient of the input; the first layer has no such), twice a multiply-add, "
        "beside the float32 matrix product of this machine's BLAS on as many threads: the ratio is the share "
        "of the peak.",
        training.throughput,
    ),
    "mnist": Comparison(
        "MNIST from a cold start",
        "`convcli train examples/mnist.toml`, the whole process: start, reading the files, training, "
        "validating, writing the run. Beside a PyTorch script with the same network and recipe. Accuracy is "
        "on the images that were held out of training.{sizes.shortened}",
        commands.mnist,
    ),
    "filter2d": Comparison(
        "Filters",
        "A grey plane of {sizes.plane[1]:,} × {sizes.plane[0]:,} pixels in memory, float32 (`filter2d`) or 8 "
        "bits (`filter_image`). Kernels without a name are random and no outer product. Pillow's Gaussian is "
        "an approximation by boxes; SciPy, scikit-image and Pillow use one thread by themselves.",
        filters.libraries,
    ),
    "orders": Comparison(
        "Medians, morphology and their kin",
        "A grey plane in memory, a quarter as wide and as high as above, through `filter_image` as a step. "
        "scikit-image's median is that of its module rank; it and SciPy use one thread by themselves.",
        orders.orders,
    ),
    "commands": Comparison(
        "The filter command",
        "`convcli filter a24.jpg --kernel sobel`, the whole process, on a colour photo of "
        "{sizes.photo[1]:,} × {sizes.photo[0]:,} pixels: start, decoding, filtering, encoding. Every tool "
        "compresses as it does by default. vips filters each colour channel; ImageMagick lays on one of the "
        "two kernels, on grey.",
        commands.photo,
    ),
    "chain": Comparison(
        "A chain of steps",
        "Brightness, a Gaussian of σ = 1.4, Sobel's gradient, white above 100, on a colour photo of "
        "{sizes.photo[1]:,} × {sizes.photo[0]:,} pixels, the whole process: `convcli filter --step …` beside "
        "three commands that hand floats on as .npy, and other tools' own chains. ImageMagick takes the "
        "strongest of the turned kernels for the gradient.",
        chains.edges,
    ),
    "photos": Comparison(
        "A folder of photos",
        "{sizes.pictures:,} colour photos of 512 × 512 pixels, from a cold start to the last PNG: a Gaussian "
        "of σ = 1.4 on each channel, and Sobel's gradient. `convcli filter photos --jobs N` beside as many "
        "processes of `mogrify`, of a loop with pyvips and of one with Pillow. PNG at zlib's level 1 with "
        "filtered rows, which suits photos, for files of about one size. convcli alone waits until each file "
        "is on the disk. Pillow's blur is made of boxes, its gradient |gx| + |gy|; ImageMagick lays on one "
        "of the gradient's two kernels; vips finds the edges of each colour channel.",
        batches.photos,
    ),
    "cluster": Comparison(
        "A folder of photos on a cluster",
        "Photos as above, Sobel's gradient: `convcli filter --cluster local --jobs N`, which starts Dask's "
        "scheduler and N processes, beside `--jobs N` alone, N threads of one process; once more with four "
        "times as many photos, as Dask takes as long to start for all. The memory is that of all processes.",
        clusters.photos,
    ),
    "startup": Comparison(
        "Start-up",
        "Commands that compute next to nothing, beside a Python that only imports the library of the command "
        "line, or NumPy, or nothing.",
        commands.startup,
    ),
    "threads": Comparison(
        "Threads",
        "Training on one thread and on more, beside PyTorch (channels_last) on as many, and beside itself on "
        "one.",
        training.threads,
        Axis("threads", "log both"),
    ),
    "ranks": Comparison(
        "Ranks of MPI on one machine",
        "Two processes that mpiexec has started on two processors, which hand each other their gradients "
        "through memory, beside one process of two threads, and of one. The ranks' sum is that of one "
        "process, to the last bit; plain is MPI's own Allreduce. From a cold start for each figure, after a "
        "pass that does not count. What each rank is sent leaves out what batch_norm exchanges; of plain it "
        "is the least there is.",
        ranks.ranks,
    ),
    "image-size": Comparison(
        "Filter time against image size",
        "float32, random kernels. On both logarithmic axes a slope of one means: as the number of pixels.",
        filters.image_sizes,
        Axis("megapixels", "log both"),
    ),
    "kernel-size": Comparison(
        "Filter time against kernel size",
        "float32, {sizes.plane[1]:,} × {sizes.plane[0]:,} pixels, random kernels. On both logarithmic axes a "
        "slope of two means: as the number of weights.",
        filters.kernel_sizes,
        Axis("rows of the kernel", "log both"),
    ),
    "augmentation": Comparison(
        "What augmentation costs",
        "convcli trains the network CIFAR on images as they are, beside itself with `[augmentation]`: the "
        "last column is how many times as long a batch takes.",
        training.augmented,
    ),
    "batch-memory": Comparison(
        "Memory against batch size",
        "Peak memory of a process that trains SEED on one batch, libraries included.",
        training.batch_memory,
        Axis("images in a batch", "log x"),
    ),
    "folders": Comparison(
        "Class folders",
        "{sizes.files:,} grey PNG files of 28 × 28 pixels in 10 folders, read into one array with labels, "
        "beside threads in which Pillow opens each file once and decodes it.",
        folders.reading,
    ),
    "ways": Comparison(
        "What the ways to compute gain",
        "convcli beside itself with one of its ways to compute left out, so that the next best takes its "
        "place: the last column is what the way gains. Networks and planes as above.",
        ways.ways,
    ),
}
