package dev.come.model;

import dev.come.checkpoint.DType;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.OperatorHandleOptional;
import org.bytedeco.pytorch.OperatorName;
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
    private final IValue matrix;
    private final IValue bias;

    private PackedLinear(Operators operators, IValue matrix, IValue bias) {
        this.operators = operators;
        this.matrix = matrix;
        this.bias = bias;
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
            return new PackedLinear(operators, new IValue(operators.pack(matrix)).retainReference(),
                    (bias == null ? new IValue() : new IValue(bias)).retainReference());
        }
    }

    @Override
    public Tensor of(Tensor x, String buffer, Workspace workspace) {
        return operators.multiply(x, matrix, bias);
    }

    @Override
    public void addTo(Tensor sum, Tensor x, Scalar multiplier) {
        sum.add_(operators.multiply(x, matrix, bias), multiplier);
    }

    @Override
    public void close() {
        matrix.releaseReference();
        bias.releaseReference();
    }

    /** An operator of the engine by its name; retained. */
    static Optional<OperatorHandle> operator(String name) {
        OperatorHandleOptional found = Dispatcher.singleton().findSchema(new OperatorName(name, ""));
        return found.has_value()
                ? Optional.of(new OperatorHandle(found.get()).retainReference())
                : Optional.empty();
    }

    /** The two operators, and those of their arguments that are always the same. */
    private record Operators(OperatorHandle reorder, OperatorHandle linear, IValue none, IValue noFunction,
            IValue noNumbers) {
        /** Which argument of the product is the list of numbers for a function that it could apply. */
        private static final int NUMBERS = 4;

        static Optional<Operators> find() {
            try (var _ = new PointerScope()) {
                return operator("mkldnn::_reorder_linear_weight").flatMap(
                        reorder -> operator("mkldnn::_linear_pointwise").map(linear -> new Operators(reorder, linear,
                                new IValue().retainReference(), new IValue("none").retainReference(),
                                noNumbers(linear).retainReference())));
            }
        }

        /** An empty list of the type that the schema wants; a list of any other type is refused. */
        private static IValue noNumbers(OperatorHandle linear) {
            return new IValue(new GenericList(
                    linear.schema().arguments().getPointer(NUMBERS).type().get().containedType(0)));
        }

        Tensor pack(Tensor matrix) {
            return call(reorder, new IValue(matrix), none);
        }

        Tensor multiply(Tensor x, IValue matrix, IValue bias) {
            return call(linear, new IValue(x), matrix, bias, noFunction, noNumbers, none);
        }

        private static Tensor call(OperatorHandle operator, IValue... arguments) {
            IValueVector stack = new IValueVector(arguments);
            operator.callBoxed(stack);
            return new Tensor(stack.get(0).toTensor()); // a reference of our own: the other one goes with the stack
        }
    }
}
