// What simbench asks of a core of Renode in its Monitor: to count, what, and from when on.
namespace Simbench
{
    using System;
    using System.Collections.Generic;
    using System.Linq.Expressions;
    using System.Reflection;

    using Antmicro.Renode.Peripherals.CPU;

    public static class CounterCommands
    {
        // A window's counts go to PREFIX0, PREFIX1 and so on.
        public static void SimbenchCount(this TranslationCPU cpu, string prefix)
        {
            counter = new Counter(cpu, prefix);
        }

        // Blocks are of one instruction: what was accessed is of the one that ends next.
        public static void SimbenchStart(this TranslationCPU cpu)
        {
            usualBlock = cpu.MaximumBlockSize;
            cpu.MaximumBlockSize = 1;
            SetAccessHook(cpu, counter);
            cpu.SetHookAtBlockEnd(counter.BlockEnds);
        }

        // Without accesses blocks may be as long as they are.
        public static void SimbenchStartBlocks(this TranslationCPU cpu)
        {
            usualBlock = cpu.MaximumBlockSize;
            cpu.SetHookAtBlockEnd(counter.BlockEnds);
        }

        public static void SimbenchStop(this TranslationCPU cpu)
        {
            cpu.SetHookAtBlockEnd(null);
            cpu.SetHookAtMemoryAccess(null);
            cpu.MaximumBlockSize = usualBlock;
        }

        public static void SimbenchSegment(this TranslationCPU cpu, ulong start, ulong end, int number)
        {
            counter.AddSegment((uint)start, (uint)end, number);
        }

        // See caches_as_numbers in watched.py for the numbers.
        public static void SimbenchCache(this TranslationCPU cpu, string numbers)
        {
            counter.AddCache(Array.ConvertAll(numbers.Split(), uint.Parse));
        }

        public static void SimbenchMarker(this TranslationCPU cpu, ulong address, int kind)
        {
            cpu.AddHook(address, (_, __) => counter.Pass(kind));
        }

        // Without a hook: these are passed for every byte of the UART.
        public static void SimbenchCachesRest(this TranslationCPU cpu, ulong address, bool rest)
        {
            counter.AddRest((uint)address, rest);
        }

        public static ulong SimbenchInWindow(this TranslationCPU cpu)
        {
            return counter.InWindow;
        }

        // The hook's type and the arguments after the address are not the same in every Renode.
        private static void SetAccessHook(TranslationCPU cpu, Counter counter)
        {
            var set = typeof(TranslationCPU).GetMethod("SetHookAtMemoryAccess");
            var type = set.GetParameters()[0].ParameterType;
            var given = new List<ParameterExpression>();
            foreach(var parameter in type.GetMethod("Invoke").GetParameters())
            {
                given.Add(Expression.Parameter(parameter.ParameterType));
            }
            var call = Expression.Call(
                Expression.Constant(counter), typeof(Counter).GetMethod("Access"),
                Expression.Convert(given[1], typeof(int)), given[2], Width(given));
            set.Invoke(cpu, new object[] { Expression.Lambda(type, call, given).Compile() });
        }

        // Older hooks do not tell the width; a word is then taken for what it begins in.
        private static Expression Width(List<ParameterExpression> given)
        {
            return given.Count > 5 ? (Expression)given[4] : Expression.Constant(1u);
        }

        private static Counter counter;
        private static int usualBlock;
    }
}
