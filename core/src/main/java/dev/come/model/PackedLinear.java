package dev.come.model;

import dev.come.checkpoint.DType;
import dev.come.memory.Retained;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A bfloat16 matrix in the order in which oneDNN multiplies by it, the library that does so for the engine on processors. The
 * engine's own product puts the matrix into that order at every call; with the few rows of new tokens that takes as long as the
 * product. {@link Linear.Plain} is the same without packing.
 *
 * <p>The operators are those to which PyTorch compiles models: {@code mkldnn::_reorder_linear_weight} packs,
 * {@code mkldnn::_linear_pointwise} multiplies. They have no method in Java, so they are called by name.
 */
final class PackedLinear implements Linear {
    private static final Optional<Operators> OPERATORS = Compute.processorMultipliesBfloat16()
            ? Operators.find()
            : Optional.empty();

    private final Operators operators;
    private final Retained<IValue> matrix;
    private final Retained<IValue> bias;

    private PackedLinear(Operators operators, IValue matrix, IValue bias) {
        this.operators = operators;
        this.matrix = Retained.of(matrix);
        this.bias = Retained.of(bias);
    }

    /** Only bfloat16 on a processor that multiplies it natively, and only where the engine was built with oneDNN. */
    static boolean possible(Compute compute) {
        return compute.type() == DType.BF16 && compute.onProcessor() && OPERATORS.isPresent();
    }

    /**
     * Packs a copy of a matrix, which is not needed any more.
     *
     * @param matrix {@code (outputs, inputs)}, bfloat16
     * @param bias {@code (outputs)}, bfloat16, or null; retained until this is closed
     */
    static PackedLinear of(Tensor matrix, @Nullable Tensor bias) {
        Operators operators = OPERATORS.orElseThrow();
        try (var _ = new PointerScope()) {
            return new PackedLinear(operators, new IValue(operators.pack(matrix)),
                    bias == null ? new IValue() : new IValue(bias));
        }
    }

    @Override
    public Tensor of(Tensor x, String buffer, Workspace workspace) {
        return operators.multiply(x, matrix.borrow(), bias.borrow());
    }

    @Override
    public void addTo(Tensor sum, Tensor x, Scalar multiplier) {
        sum.add_(operators.multiply(x, matrix.borrow(), bias.borrow()), multiplier);
    }

    @Override
    public void close() {
        matrix.close();
        bias.close();
    }

    /** The two operators, and those of their arguments that are always the same; they live as long as the process. */
    private record Operators(NamedOperator reorder, NamedOperator linear, Retained<IValue> none,
            Retained<IValue> noFunction, Retained<IValue> noNumbers) {
        /** Which argument of the product is the list of numbers for a function that it could apply. */
        private static final int NUMBERS = 4;

        static Optional<Operators> find() {
            try (var _ = new PointerScope()) {
                return NamedOperator.find("mkldnn::_reorder_linear_weight").flatMap(
                        reorder -> NamedOperator.find("mkldnn::_linear_pointwise").map(linear -> new Operators(reorder,
                                linear, Retained.of(new IValue()), Retained.of(new IValue("none")),
                                Retained.of(new IValue(linear.noElements(NUMBERS))))));
            }
        }

        Tensor pack(Tensor matrix) {
            return reorder.tensor(new IValue(matrix), none.borrow());
        }

        Tensor multiply(Tensor x, IValue matrix, IValue bias) {
            return linear.tensor(new IValue(x), matrix, bias, noFunction.borrow(), noNumbers.borrow(),
                    none.borrow());
        }
    }
}
